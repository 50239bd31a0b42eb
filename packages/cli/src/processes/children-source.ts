import type { HealthReason, MetricFamily, WorkerHealth } from '@brokkr/core/metrics';
import type { ChildState } from './child-state.ts';
import type { WantedMetrics } from './supervisor-messages.ts';
import type { WorkerSource } from '../monitoring/open-monitoring.ts';

/** A process that does not answer in this time is left out. It waits for its broker for half of this time at most. */
const ANSWER_MS = 1_000;
const ASK_EVERY_MS = 1_000;
/** Each so many times the counters are asked for, too: a process that is killed loses those of the time since. */
const COUNTERS_EVERY = 3;

/** A worker process, as its supervisor sees it. */
export interface WatchedChild {
  readonly workerId: string;
  readonly state: ChildState;
}

export interface ChildrenSourceOptions {
  /** The processes that run now. */
  readonly children: () => readonly WatchedChild[];
  /** How many there should be. */
  readonly processes: number;
  /** Whether metrics are served. */
  readonly metrics: boolean;
  /** A process that was silent for longer has lost its messages. */
  readonly leaseMs: number;
}

type MetricsCode = typeof import('@brokkr/core/metrics');

/** Metrics and health of the worker processes of a supervisor, added up. */
export class ChildrenSource implements WorkerSource {
  readonly #options: ChildrenSourceOptions;
  readonly #code: MetricsCode;
  readonly #timer: NodeJS.Timeout;
  #hasStarted = false;
  /** Counters of processes that ended: a sum must not fall when a process is replaced. */
  #past: readonly MetricFamily[] = [];

  static async open(options: ChildrenSourceOptions): Promise<ChildrenSource> {
    return new ChildrenSource(options, await import('@brokkr/core/metrics'));
  }

  private constructor(options: ChildrenSourceOptions, code: MetricsCode) {
    this.#options = options;
    this.#code = code;
    // A process is judged by its silence, so it is asked without a probe, too.
    let turn = 0;
    this.#timer = setInterval(() => {
      const isForCounters = options.metrics && ++turn % COUNTERS_EVERY === 0;
      void this.#askAll(isForCounters ? 'counters' : 'none');
    }, ASK_EVERY_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Keeps the counters of a process that ended. */
  ended({ state }: WatchedChild): void {
    this.#past = this.#code.mergeMetrics([this.#past, counters(state.metrics)]);
  }

  readonly metrics = async (format: 'text' | 'openmetrics'): Promise<string> => {
    const { mergeMetrics, single, writeMetrics } = this.#code;
    const answers = await this.#askAll('all');
    // The counters of a silent process stay as they were last: a sum that falls would be read as a restart.
    const families = answers.map(({ child, metrics }) => metrics ?? counters(child.state.metrics));
    const silent = answers.filter(({ health }) => health === undefined).length;
    const own = [
      single('brokkr_worker_processes', 'Worker processes of this supervisor.', answers.length),
      single('brokkr_worker_processes_silent', 'Worker processes that did not answer within a second.', silent),
    ];
    return writeMetrics([...mergeMetrics([this.#past, ...families]), ...own], format);
  };

  readonly health = async (): Promise<WorkerHealth> => {
    const { processes, leaseMs } = this.#options;
    const answers = await this.#askAll('none');
    const ready = answers.flatMap(({ child, health }) => health?.ready ?? [silentReason(child)]);
    const missing = processes - answers.length;
    if (missing > 0) ready.push(reason('PROCESS_MISSING', `${missing} of ${processes} worker processes do not run`));
    const notStarted = answers.flatMap(({ child, health }) => health?.started ?? [silentReason(child)]);
    this.#hasStarted ||= missing <= 0 && notStarted.length === 0;
    return {
      live: answers.flatMap(({ child }) => ((child.state.silentMs ?? 0) > leaseMs ? [silentReason(child)] : [])),
      ready,
      // A process that is replaced later is started again, not the whole command.
      started: this.#hasStarted ? [] : notStarted,
    };
  };

  async #askAll(metrics: WantedMetrics) {
    return Promise.all(
      this.#options.children().map(async (child) => ({ child, ...(await child.state.ask(metrics, ANSWER_MS)) })),
    );
  }
}

function counters(families: readonly MetricFamily[]): readonly MetricFamily[] {
  return families.filter(({ type }) => type !== 'gauge');
}

function silentReason({ workerId, state: { silentMs } }: WatchedChild): HealthReason {
  const since = silentMs === undefined ? 'has not started yet' : `has not answered for ${Math.floor(silentMs)} ms`;
  return reason('PROCESS_SILENT', `worker process ${workerId} ${since}`);
}

function reason(code: string, message: string): HealthReason {
  return { code, message };
}
