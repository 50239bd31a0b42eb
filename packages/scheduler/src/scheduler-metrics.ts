import type { HealthReason, MetricFamily, WorkerHealth } from '@brokkr/core/metrics';
import type { ScheduledJob } from './scheduled-job.ts';

/** Jobs with series of their own; further jobs share those of `_other`. The label is `job_id`: `job` is Prometheus's own. */
const MOST_JOBS = 200;
const OTHER = '_other';

/** A scheduler whose due ticks cannot be sent for so long is not ready. */
const SILENT_MS = 30_000;

/** The state of a scheduler, for its metrics and health. */
export interface SchedulerState {
  readonly name: string;
  readonly phase: 'new' | 'starting' | 'running' | 'stopped' | 'failed';
  /** Whether it sends the ticks now. Another scheduler may lead. */
  readonly isLeading: boolean;
  /** Whether it waits for a broker that is unreachable. */
  readonly isWaitingForBroker: boolean;
  readonly jobs: readonly ScheduledJob[];
}

/** The metrics of a scheduler. @param now epoch milliseconds */
export function schedulerFamilies({ name, isLeading, jobs }: SchedulerState, now: number): readonly MetricFamily[] {
  const cells = cellsOf(jobs);
  const byJob = (read: (jobs: readonly ScheduledJob[]) => number | undefined) =>
    [...cells].flatMap(([job, own]) => {
      const value = read(own);
      return value === undefined ? [] : [{ labels: [['job_id', job]] as const, value }];
    });
  return [
    {
      name: 'brokkr_scheduler_leader',
      help: 'Whether this scheduler sends the ticks; 0 while another one leads, or the broker is unreachable.',
      type: 'gauge',
      across: 'sum',
      samples: [{ labels: [['scheduler', name]], value: Number(isLeading) }],
    },
    {
      name: 'brokkr_scheduler_ticks_total',
      help: 'Ticks that this scheduler sent.',
      type: 'counter',
      across: 'sum',
      samples: byJob((own) => sum(own, ({ sent }) => sent)),
    },
    {
      name: 'brokkr_scheduler_missed_total',
      help: 'Ticks that were not sent in time, or that the task or the broker refused.',
      type: 'counter',
      across: 'sum',
      samples: byJob((own) => sum(own, ({ missed }) => missed)),
    },
    {
      name: 'brokkr_scheduler_last_tick_seconds',
      help: 'Time since this scheduler last sent a tick of the job.',
      type: 'gauge',
      across: 'min',
      samples: byJob((own) => {
        const latest = Math.max(...own.map(({ lastSentAt }) => lastSentAt ?? Number.NEGATIVE_INFINITY));
        return Number.isFinite(latest) ? Math.max(0, now - latest) / 1_000 : undefined;
      }),
    },
    {
      name: 'brokkr_scheduler_paused',
      help: 'Whether the job is paused, as far as this scheduler knows.',
      type: 'gauge',
      across: 'max',
      samples: byJob((own) => sum(own, ({ paused }) => Number(paused))),
    },
  ];
}

/** Why the checks of a scheduler fail. A scheduler that waits for the lead of another one is ready. */
export function schedulerHealth({ name, phase, isWaitingForBroker, jobs }: SchedulerState): WorkerHealth {
  switch (phase) {
    case 'new':
    case 'starting': {
      const notStarted = reason('NOT_STARTED', `scheduler ${name} has not started yet`);
      return { live: [], ready: [notStarted], started: [notStarted] };
    }
    case 'running': {
      const awayMs = Math.max(0, ...jobs.map((job) => job.awayMs));
      const isSilent = isWaitingForBroker || awayMs >= SILENT_MS;
      const silent = reason('BROKER_SILENT', `scheduler ${name} cannot send ticks: the broker is unreachable`);
      return { live: [], ready: isSilent ? [silent] : [], started: [] };
    }
    case 'stopped':
    case 'failed': {
      const ended = reason('ENDED', `scheduler ${name} has ended`);
      return { live: [ended], ready: [ended], started: [] };
    }
  }
}

function cellsOf(jobs: readonly ScheduledJob[]): ReadonlyMap<string, readonly ScheduledJob[]> {
  const cells = new Map<string, readonly ScheduledJob[]>(jobs.slice(0, MOST_JOBS).map((job) => [job.id, [job]]));
  const others = jobs.slice(MOST_JOBS);
  if (others.length > 0) cells.set(OTHER, others);
  return cells;
}

function sum(jobs: readonly ScheduledJob[], read: (job: ScheduledJob) => number): number {
  return jobs.reduce((total, job) => total + read(job), 0);
}

function reason(code: string, message: string): HealthReason {
  return { code, message };
}
