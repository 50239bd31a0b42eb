import type { Delivery } from './delivery.ts';
import type { Diagnostics } from './diagnostics.ts';
import type { Elections } from './elections.ts';
import type { Envelope } from './envelope.ts';
import type { Inspector } from './inspector.ts';
import type { LimitStore } from './limit-store.ts';
import type { MessageIndex } from './message-index.ts';
import type { RecordStore } from './record-store.ts';
import type { ResultStore } from './result-store.ts';
import type { Settlement } from './settlement.ts';
import type { Signals } from './signals.ts';
import type { StateStore } from './state-store.ts';
import type { WorkerDirectory } from './worker-directory.ts';

/**
 * What a broker promises about messages. The core and the conformance suite rely on it. Declared once and fixed for the
 * life of the broker. Parts are not repeated here: a broker has a part, or leaves it out.
 */
export interface BrokerCapabilities {
  /** Confirmed messages survive a restart of the server and of every process. */
  readonly persistent: boolean;
  /** Ready messages are delivered first in, first out, to one consumer that takes one at a time. */
  readonly ordered: boolean;
  /**
   * Longest delay of one `publish` or `retry`, in milliseconds. Longer delays take several hops
   * (`Delivery.remainingDelayMs`). 0: the broker cannot delay messages, and the core refuses delays.
   */
  readonly maxDelayMs: number;
  /** How late an idle broker may deliver a delayed message, in milliseconds. It never delivers one early. */
  readonly delayResolutionMs: number;
  /** The broker stores messages with the same `Envelope.idempotencyKey` once. */
  readonly idempotency: boolean;
  /** The broker joins messages with the same `Envelope.collapse` key when it stores them. @default false */
  readonly collapse?: boolean | undefined;
  /** `exact`: the server knows every figure of `inspector.counts`. `ready-only`: some figures are left out. */
  readonly counts: 'exact' | 'ready-only';
  /**
   * Set if the server limits how long a consumer may hold a message: a task's `timeout` must stay below `ms`. `setting`
   * names the setting behind the limit, for errors. @default no limit
   */
  readonly timeoutLimit?: { readonly ms: number; readonly setting: string } | undefined;
  /**
   * Most single sends that the core joins into one `publish`; `sendMany` always uses 500. Choose fewer if the server
   * confirms message by message: while many senders wait for the last message of a large batch, none of them sends the
   * next. @default 500
   */
  readonly sendsAtOnce?: number | undefined;
}

/** Result of publishing one envelope, in the order of the call. */
export interface PublishReceipt {
  /** Id of the message; if its key was known, the id of the message that has the key. */
  readonly id: string;
  /** False if the idempotency key was known, or the envelope was joined with another message: no message was added. */
  readonly isNew: boolean;
  /** True if the envelope took the place of a debounced message, whose id is `id`. @default false */
  readonly isReplacement?: boolean | undefined;
  /** Queue of the message that has the key. @default the queue of the envelope */
  readonly queue?: string | undefined;
}

/** Options of a consumer. The core sets all of them; the adapter has defaults for other callers. */
export interface SubscribeOptions {
  /** How long a consumer keeps its deliveries without renewing them, in milliseconds. @default 30_000 */
  readonly leaseMs?: number | undefined;
  /** How many deliveries a broker may send or claim ahead of `receive`. @default 1 */
  readonly prefetch?: number | undefined;
  /** Name of the consumer in the broker's records; `workers.release` takes it. @default a random id */
  readonly workerId?: string | undefined;
  /** Renew leases from a thread while the event loop is blocked, if the broker can. @default false */
  readonly leaseThread?: boolean | undefined;
}

/**
 * What a broker can do beside its messages. Each part is an own, readonly property that is present from construction, or
 * left out: `{ ...broker, publish }` keeps all of them. A broker author adds parts one by one; the conformance suite runs
 * a group of cases for each part that is there.
 */
export interface BrokerParts {
  /** Queues, counts and dead letters. Without it `brokkr queues` and `brokkr dead` report that they cannot look inside. */
  readonly inspector?: Inspector | undefined;
  /** Messages by id. Without it `handle.cancel()` rejects. */
  readonly messages?: MessageIndex | undefined;
  /** Reports of living workers, and the messages they hold. Without it `brokkr workers` has nothing to show. */
  readonly workers?: WorkerDirectory | undefined;
  /** Broadcasts to every process. Without it workers notice a pause within a minute, and running tasks cannot be cancelled. */
  readonly signals?: Signals | undefined;
  /** Results of tasks. Without it `TASK_RESULT_URL` or `TASK_STORE_URL` must name another store. */
  readonly results?: ResultStore | undefined;
  /** Small values by name, for the scheduler. Without it the scheduler keeps them in its process. */
  readonly states?: StateStore | undefined;
  /** Permits across all workers. Without it tasks that have `limits` need a store (`TASK_STORE_URL`). */
  readonly limits?: LimitStore | undefined;
  /** Records that are changed by compare-and-set. Without it `TASK_STORE_URL` must name another store. */
  readonly records?: RecordStore | undefined;
  /** Leaders among many processes. Needed by schedulers if `capabilities.idempotency` is false. */
  readonly elections?: Elections | undefined;
  /** Problems of the server, for `brokkr doctor`. */
  readonly diagnostics?: Diagnostics | undefined;
}

/**
 * Stores envelopes and delivers each under a lease. These three methods and a `Subscription` are all that a broker author
 * must write. Retry policies, timeouts, serialization, validation and logging are part of the core.
 */
export interface Broker extends BrokerParts {
  readonly capabilities: BrokerCapabilities;

  /**
   * Stores envelopes, and resolves once all of them are stored as durably as the broker can. Messages that are published
   * before any consumer subscribes are kept. An envelope with a `notBefore` in the future becomes ready no earlier.
   * Publishing the same id twice is safe if the broker can recognize it (a repeat after a lost answer). The broker keeps
   * a copy: the caller may change bytes and headers afterwards.
   * @throws BrokerUnavailableError if it cannot know what was stored, and once it is closed (`BROKER_CLOSED`)
   * @throws PartlyStoredError if some envelopes were stored and some were not
   * @throws ConfigError for a queue name that `checkQueueName` refuses
   */
  publish(envelopes: readonly Envelope[]): Promise<readonly PublishReceipt[]>;

  /**
   * Opens a subscription to one queue. A worker opens one for each queue: `receive` takes any number of messages.
   * @throws BrokerUnavailableError once it is closed
   * @throws ConfigError for a queue name that `checkQueueName` refuses
   */
  subscribe(queue: string, options: SubscribeOptions): Promise<Subscription>;

  /**
   * Ends every timer, socket and pending promise; a waiting `receive` resolves with an empty list. May be called twice.
   * Deliveries that are still held are delivered again when their leases end.
   */
  close(): Promise<void>;
}

/** A subscription to one queue, on behalf of one worker. */
export interface Subscription {
  /**
   * Takes up to `limit` ready envelopes, each under a lease: fewer only if no more are ready, or if `limit` exceeds
   * `RECEIVED_AT_ONCE`. With `wait` it resolves as soon as there is at least one,
   * without busy polling. Without `wait` it resolves at once, perhaps with an empty list. Once `signal` is aborted, or
   * subscription or broker is closed, it resolves with an empty list and takes nothing. It is called again only after
   * the previous call has resolved. Envelopes are copies: a caller that changes bytes or headers changes neither the
   * stored message nor a later delivery.
   */
  receive(
    limit: number,
    options: { readonly signal: AbortSignal; readonly wait: boolean },
  ): Promise<readonly Delivery[]>;

  /**
   * Returns false if the queue has no message that is ready now. Optional, for a broker that can look at many queues in
   * one call: a worker of many queues calls it for all of them in one turn of the event loop, and then `receive` only
   * for the queues that may have messages. Never rejects: if the broker cannot look, it returns true.
   *
   * @param signal ends the wait for a server that is unreachable
   */
  mayHaveMessages?(signal: AbortSignal): Promise<boolean>;

  /**
   * Ends deliveries; one call may mix all kinds of settlement. Resolves with the deliveries whose lease was already
   * lost: for them nothing changed. Rejects only if the broker could not be asked, or if an answer was lost on the way,
   * so that it is unknown whether a lease ended because of this call. Repeating the call is safe.
   */
  settle(settlements: readonly Settlement[]): Promise<readonly Delivery[]>;

  /** Renews the leases of deliveries, from now on. Resolves with the deliveries whose lease was already lost. */
  extend(deliveries: readonly Delivery[]): Promise<readonly Delivery[]>;

  /**
   * The handler of a delivery starts right after this call, and must have ended by `until` (of `performance.now`,
   * milliseconds). Until then the lease should survive a handler that blocks the event loop: `extend` cannot be called
   * during a block. After `until` a lease must end by itself, because the handler may be stuck. Called for each run, so it
   * must not take long, and must not throw. If a broker leaves it out, a long block costs leases, and counts as a crash.
   */
  guard?(delivery: Delivery, until: number): void;

  /**
   * Whether this process still holds a delivery, as far as it knows without asking: `false` if, for example, its connection
   * broke. A broker that learns of a loss only from `extend` leaves it out.
   */
  holds?(delivery: Delivery): boolean;

  /**
   * Stops taking messages, returns messages that were pushed ahead and never received, and frees everything that belongs
   * to the consumer. Messages that were received and not settled are delivered again when their lease ends, and count as
   * a crash.
   */
  close(): Promise<void>;
}
