import type { Broker } from './broker.ts';

/** A broker that can remove a message that has not started. Present where `capabilities.cancel`. */
export interface CancellingBroker extends Broker {
  /** Removes ready or delayed messages; resolves with the ids that were removed (running or unknown ones are not). */
  cancel(queue: string, ids: readonly string[]): Promise<readonly string[]>;
}

/** A broker from which a supervisor can hand back what its dead child held, without waiting for the lease. */
export interface ReleasingBroker extends Broker {
  /** Ends every lease that `workerId` holds, in all queues, as a crash each; resolves with how many. */
  releaseWorker(workerId: string): Promise<number>;
}

/** Keeps the results of tasks that ask for it. A broker may be one; any other object may stand in for it. */
export interface ResultStore {
  /** Keeps `result` for `ttlMs` milliseconds, in place of an older one of the same id. */
  storeResult(id: string, result: Uint8Array, ttlMs: number): Promise<void>;
  /**
   * What is kept for `id`. Waits for it until `signal` aborts, then resolves with `undefined`; a signal aborted
   * already answers at once.
   */
  loadResult(id: string, signal: AbortSignal): Promise<Uint8Array | undefined>;
}

/** Small values by name for the scheduler (last tick, paused); survives restarts where the broker is persistent. */
export interface StateStore {
  getState(key: string): Promise<string | undefined>;
  /** `undefined` removes it. */
  setState(key: string, value: string | undefined): Promise<void>;
}
