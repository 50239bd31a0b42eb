import type { Logger } from 'pino';
import type { Delivery } from '../broker/delivery.ts';
import { ATTEMPT_HEADER, ENQUEUED_AT_HEADER, TASK_HEADER } from '../broker/headers.ts';
import type { Settlement } from '../broker/settlement.ts';
import type { EventEmitter } from './event-emitter.ts';
import { errorRecord } from '../errors/error-record.ts';
import { isA } from '../errors/is-a.ts';
import type { RunOutcome } from '../middleware/telemetry.ts';
import type { TelemetrySinks } from '../middleware/telemetry-sinks.ts';
import { RetryLater } from '../task/retry-later.ts';
import { NO_REPORT, type EndReport } from './delivery-report.ts';
import type { HeldDelivery } from './held-delivery.ts';
import type { UnknownTask } from './judge-delivery.ts';
import { exemplify, type Stats } from './stats.ts';
import type { StatsLine } from './stats-line.ts';
import { OTHER } from './cell-table.ts';
import type { TaskEvent, WorkerEvents } from './worker.ts';

/** Most unknown tasks that are logged: names come from messages, and any program may send those. */
const MOST_UNKNOWN = 100;

/** The outcome that is counted for an event. */
const OUTCOMES = {
  succeeded: 'succeeded',
  retrying: 'retried',
  dead: 'dead',
  expired: 'expired',
  cancelled: 'cancelled',
  interrupted: 'interrupted',
} as const satisfies Record<Exclude<EndReport['event'], 'none'>, RunOutcome>;

export interface ReporterOptions {
  readonly events: EventEmitter<WorkerEvents>;
  readonly stats: Stats;
  readonly line: StatsLine;
  readonly sinks: TelemetrySinks;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly logger: Logger;
}

/** Counts and logs how deliveries ended, and emits the events. */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #events: EventEmitter<WorkerEvents>;
  readonly #logger: Logger;
  readonly #unknownTasks = new Set<string>();

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#events = options.events;
    this.#logger = options.logger;
  }

  settled(settlement: Settlement, isLost: boolean, held: HeldDelivery): void {
    const report = held.report ?? NO_REPORT;
    if (isLost) this.leaseLost(held, report.ranMs, report.error);
    else if (report.event !== 'none') {
      this.#count(held, OUTCOMES[report.event], report.ranMs, report.error);
      if (report.event === 'succeeded') this.#succeeded(held.delivery, report);
      else if (report.event !== 'interrupted') this.#report(report.event, settlement, report);
    }
  }

  /** @param ranMs how long the handler ran; `undefined` if it did not run */
  leaseLost(held: HeldDelivery, ranMs: number | undefined, error: unknown): void {
    this.#count(held, 'lease_lost', ranMs, error);
    const event = eventOf(held.delivery, { ranMs, error });
    this.#logger.warn(
      { task: taskOf(event), durationMs: event.durationMs },
      'lease lost: another worker may run this task now',
    );
    this.#events.emit('leaseLost', event);
  }

  settlementUnknown({ kind }: Settlement, error: unknown, held: HeldDelivery): void {
    const ranMs = held.report?.ranMs;
    if (ranMs !== undefined) this.#count(held, 'unknown', ranMs, error);
    this.#logger.warn(
      { task: taskOf(eventOf(held.delivery, { ranMs })), settlement: kind, error },
      'settle_unknown: the lease ended before the broker confirmed how this message was settled; if it was not settled, it is delivered again',
    );
  }

  /** Logs an unknown task, or version of it, once: there may be many messages of it, and each is delivered repeatedly. */
  unknownTask({ task, version }: UnknownTask, queue: string): void {
    const key = version === undefined ? task : `${task}/${version}`;
    if (this.#unknownTasks.has(key) || this.#unknownTasks.size >= MOST_UNKNOWN) return;
    this.#unknownTasks.add(key);
    const delayed = 'its messages are delayed for 30 s at a time and become dead letters after 10 minutes';
    if (version === undefined)
      this.#logger.warn({ task, queue }, `unknown task: ${delayed}; run a worker that defines this task`);
    else
      this.#logger.warn(
        { task, version, queue },
        `unknown version of a task's arguments: ${delayed}; run a worker with the newer version of this task`,
      );
  }

  #count(held: HeldDelivery, outcome: RunOutcome, ranMs: number | undefined, error: unknown): void {
    const { stats, line, sinks, now } = this.#options;
    const { envelope } = held.delivery;
    const { waitedMs } = held;
    const task = held.task?.definition.name;
    const cell = stats.ended(envelope.queue, task, outcome, ranMs ?? -1, waitedMs, error);
    line.arm();
    if (ranMs !== undefined) exemplify(cell, envelope.headers, ranMs, waitedMs, now);
    if (!sinks.hearsRan) return;
    const { queue } = envelope;
    const attempt = attemptOf(held.delivery);
    // Hot path: literals of one shape each. Spreads took a fifth of the throughput on the memory broker.
    sinks.ran(
      error === undefined
        ? { queue, task: task ?? OTHER, attempt, outcome, ranMs: ranMs ?? 0, waitedMs }
        : { queue, task: task ?? OTHER, attempt, outcome, ranMs: ranMs ?? 0, waitedMs, error },
    );
  }

  /** Hot path: creates an event only if it is logged or has a listener. */
  #succeeded(delivery: Delivery, report: EndReport): void {
    const hasListener = this.#events.has('succeeded');
    const logged = this.#logger.isLevelEnabled('debug');
    if (!hasListener && !logged) return;
    const event = eventOf(delivery, report);
    if (logged) this.#logger.debug({ task: taskOf(event), durationMs: event.durationMs }, 'task succeeded');
    if (hasListener) this.#events.emit('succeeded', event);
  }

  #report(kind: 'retrying' | 'dead' | 'expired' | 'cancelled', settlement: Settlement, report: EndReport): void {
    const event = eventOf(settlement.delivery, report);
    const fields = {
      task: taskOf(event),
      durationMs: event.durationMs,
      ...(report.error === undefined && kind !== 'retrying' ? {} : { error: errorRecord(report.error) }),
    };
    switch (kind) {
      case 'retrying':
        if (isA(report.error, RetryLater)) this.#later(event, settlement, report.error);
        else this.#logger.warn({ ...fields, ...nextAttempt(settlement) }, 'task failed and will be retried');
        break;
      case 'dead':
        this.#logger.error(
          {
            ...fields,
            ...crashesOf(settlement.delivery),
            reason: settlement.kind === 'dead-letter' ? settlement.reason : '',
          },
          'task is dead',
        );
        break;
      case 'expired':
        this.#logger.warn({ ...fields, ...expiryOf(settlement.delivery) }, 'task expired before it started');
        break;
      case 'cancelled':
        this.#logger.info({ task: fields.task, durationMs: fields.durationMs }, 'task was cancelled while it ran');
        break;
    }
    this.#events.emit(kind, event);
  }

  /** A handler that asks to run later has not failed: its line has no stack. */
  #later(event: TaskEvent, settlement: Settlement, error: RetryLater): void {
    const fields = { task: taskOf(event), durationMs: event.durationMs, reason: errorRecord(error).message };
    this.#logger.info({ ...fields, ...nextAttempt(settlement) }, 'task will run again later, as it asked to');
  }
}

function crashesOf({ crashes }: Delivery): { readonly crashes?: number } {
  return crashes > 0 ? { crashes } : {};
}

function eventOf(
  delivery: Delivery,
  { ranMs = 0, error }: { readonly ranMs: number | undefined; readonly error?: unknown },
): TaskEvent {
  const { id, queue, headers } = delivery.envelope;
  const event = {
    id,
    name: headers[TASK_HEADER] ?? '',
    queue,
    attempt: attemptOf(delivery),
    durationMs: Math.round(ranMs * 100) / 100,
  };
  return error === undefined ? event : { ...event, error };
}

/** Shows whether a message waited for too long, or a clock is wrong. */
function expiryOf({ envelope }: Delivery): object {
  return { sentAt: instant(Number(envelope.headers[ENQUEUED_AT_HEADER])), expiresAt: instant(envelope.expiresAt) };
}

/** The time as text; `undefined` if any program wrote something else. */
function instant(ms: number | undefined): string | undefined {
  const date = new Date(ms ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

function attemptOf({ envelope }: Delivery): number {
  return Number(envelope.headers[ATTEMPT_HEADER] ?? 1);
}

function taskOf({ id, name, queue, attempt }: TaskEvent): object {
  return { id, name, queue, attempt };
}

function nextAttempt(settlement: Settlement): object {
  if (settlement.kind !== 'retry' || settlement.replacement.notBefore === undefined) return {};
  // A delay may be longer than a Date can hold.
  return { nextAt: instant(settlement.replacement.notBefore) ?? 'after the year 275760' };
}
