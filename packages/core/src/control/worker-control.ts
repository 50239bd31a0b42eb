import type { Broker } from '../broker/broker.ts';
import type { Signals } from '../broker/signals.ts';
import type { WorkerDirectory } from '../broker/worker-directory.ts';
import type { WorkerReport } from '../broker/worker-report.ts';
import type { Clock } from '../clock/clock.ts';
import { pause } from '../clock/pause.ts';
import { ConfigError, UnsupportedFeatureError } from '../errors/errors.ts';
import { shown } from '../errors/kind-of.ts';
import { nearestName } from '../errors/nearest-name.ts';
import { controlSignal } from './control-signals.ts';

/** How long a worker may take to report that it obeys. */
const OBEYS_MS = 3_000;
/** The signal is repeated, and the report read again, in this interval: a signal may be lost. */
const AGAIN_MS = 500;
/** The first look at the report: usually the worker has obeyed by then. */
const FIRST_LOOK_MS = 100;
/** Most ids that an error lists. */
const LISTED = 20;
const NEVER = new AbortController().signal;

/** What a worker control works with. */
export interface WorkerControlPorts {
  readonly broker: () => Promise<Broker>;
  readonly clock: Clock;
}

/**
 * A worker of a running system, in any process: lets it take no more messages, and take them again.
 *
 * @example
 * const [worker] = await tm.workers();
 * await tm.worker(worker.id).quiet();
 */
export class WorkerControl {
  readonly id: string;
  readonly #ports: WorkerControlPorts;

  /** @throws ConfigError (`WORKER_UNKNOWN`) if the id is not a string of 1 to 200 characters */
  constructor(id: string, ports: WorkerControlPorts) {
    if (typeof id !== 'string' || id.length === 0 || id.length > 200) {
      throw new ConfigError(`the id of a worker must be a string of 1 to 200 characters; got ${shown(id)}`, {
        code: 'WORKER_UNKNOWN',
      });
    }
    this.id = id;
    this.#ports = ports;
  }

  /**
   * Lets the worker take no more messages. Running handlers go on, messages that were fetched and have not started go
   * back, and the process lives. It lasts until `resume()`, or until the worker ends.
   * @returns whether the worker has reported that it is quiet, or stopping; `false` after three seconds without a report
   * @throws ConfigError (`WORKER_UNKNOWN`) with the nearest id, if no living worker has this id
   * @throws UnsupportedFeatureError (`WORKERS_UNSUPPORTED`) if the broker has no reports or no signals
   * @throws BrokerUnavailableError if the broker is unreachable
   */
  async quiet(): Promise<boolean> {
    return this.#set(true);
  }

  /** Lets a quiet worker take messages again. @returns whether it has reported so, as `quiet` @throws as `quiet` */
  async resume(): Promise<boolean> {
    return this.#set(false);
  }

  async #set(quiet: boolean): Promise<boolean> {
    const { workers, signals } = this.#parts(await this.#ports.broker());
    const { clock } = this.#ports;
    const endsAt = clock.monotonic() + OBEYS_MS;
    // Before anything is sent: an unknown id is an error.
    await this.#report(workers);
    for (let waitMs = FIRST_LOOK_MS; ; waitMs = AGAIN_MS) {
      await signals.send(controlSignal('quiet', { worker: this.id, quiet }));
      await pause(clock, waitMs, NEVER);
      const { state } = await this.#report(workers);
      if (quiet ? state !== 'running' : state === 'running') return true;
      if (clock.monotonic() >= endsAt) return false;
    }
  }

  #parts({ workers, signals }: Broker): { readonly workers: WorkerDirectory; readonly signals: Signals } {
    if (workers !== undefined && signals !== undefined) return { workers, signals };
    const missing = workers === undefined ? 'reports of workers' : 'signals';
    throw new UnsupportedFeatureError(
      `worker ${this.id}: this broker has no ${missing}, so workers cannot be steered; stop the worker's process instead`,
      { code: 'WORKERS_UNSUPPORTED' },
    );
  }

  async #report(workers: WorkerDirectory): Promise<WorkerReport> {
    const reports = await workers.reports();
    const own = reports.find(({ report }) => report.id === this.id);
    if (own !== undefined) return own.report;
    const ids = reports.map(({ report }) => report.id);
    const told = ids.length === 0 ? 'no worker has reported in the last 30 s' : known(this.id, ids);
    throw new ConfigError(`unknown worker ${shown(this.id)}; ${told}`, { code: 'WORKER_UNKNOWN' });
  }
}

function known(id: string, ids: readonly string[]): string {
  const near = nearestName(id, ids);
  if (near !== undefined) return `did you mean ${shown(near)}?`;
  const more = ids.length > LISTED ? `, and ${ids.length - LISTED} more` : '';
  return `known are ${ids.slice(0, LISTED).map(shown).join(', ')}${more}`;
}
