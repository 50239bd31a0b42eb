import type { Broker } from './broker.ts';

/** A broker that knows its messages by their ids. Present where `capabilities.cancel`. */
export interface CancellingBroker extends Broker {
  /** Removes ready or delayed messages; resolves with the ids that were removed (running or unknown ones are not). */
  cancel(queue: string, ids: readonly string[]): Promise<readonly string[]>;
  /**
   * Those of `ids` that have not ended: ready, delayed or running in `queue`. What was acknowledged, dead-lettered,
   * expired, cancelled or purged, and what it has never seen, is left out.
   */
  unfinished(queue: string, ids: readonly string[]): Promise<readonly string[]>;
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

/**
 * Small values by name for the scheduler (last tick, paused); survives restarts where the broker is persistent. One
 * key is read and written by several processes at once: each call takes effect as a whole, in some order, so that a
 * reader sees the value before a write or the one after it, never none in between. A write whose promise resolved is
 * seen by every read that begins later, on any connection. Rejects with `BrokerUnavailableError` where the broker is
 * away for longer than `sendTimeoutMs`; asking again is harmless.
 */
export interface StateStore {
  /** @param key any string of up to 200 characters, not only those of queue names */
  getState(key: string): Promise<string | undefined>;
  /** @param value at most 1 KiB; `undefined` removes it */
  setState(key: string, value: string | undefined): Promise<void>;
}

/** Being the one of all who stood for election under a name. */
export interface Leadership {
  /**
   * Aborts as soon as this process can know that it no longer leads: it was lost (the connection or the lease behind
   * it), released, or the broker closed. It never leads again: stand for election anew. Aborted before anything that
   * this process publishes later can reach the server over a new connection.
   */
  readonly lost: AbortSignal;
  /** Gives it up, so that the next candidate leads at once. May be called twice, and once it is lost. */
  release(): Promise<void>;
}

/**
 * A broker that makes one process among many the leader, for schedulers where ticks cannot be told apart by
 * `idempotencyKey`. The scheduler asks for it only where `capabilities.idempotency` is false.
 */
export interface ElectingBroker extends Broker {
  /**
   * Stands for election under `name`, and resolves once this candidate leads: at most one does at a time, among all
   * processes on this server and namespace, and among several calls in one process. It waits, through lost
   * connections too, without busy polling, for as long as it takes; when the leader's process dies a candidate leads
   * within what the server needs to notice, at most the broker's lease or heartbeat, and within 2 s where the
   * connection breaks. Names are independent of each other.
   *
   * Once `signal` is aborted it resolves with `undefined`, and holds nothing: an election won at that very moment is
   * given up. The signal says nothing any more once it has resolved.
   * @param name 1 to 120 characters of `A-Z a-z 0-9 . _ -`
   * @throws BrokerUnavailableError once the broker is closed; what waiting cannot mend, such as a missing permission
   */
  elect(name: string, options: { readonly signal: AbortSignal }): Promise<Leadership | undefined>;
}
