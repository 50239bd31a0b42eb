import type { Delivery } from './delivery.ts';
import type { Envelope } from './envelope.ts';
import type { Settlement } from './settlement.ts';

/** What a broker can do by itself; the core and the conformance suite follow it. Declared once, fixed for its life. */
export interface BrokerCapabilities {
  /** Confirmed messages outlive a restart of the server and of every process. */
  readonly persistent: boolean;
  /** First in, first out among what is ready, for one consumer that takes one at a time. */
  readonly ordered: boolean;
  /**
   * The longest delay in milliseconds that one `publish` or `retry` can wait for; longer ones travel in hops
   * (`Delivery.remainingDelayMs`). 0: the broker cannot delay, and the core refuses to ask.
   */
  readonly maxDelayMs: number;
  /** How late, in milliseconds, a delayed message may be handed over by an idle broker. Never early. */
  readonly delayResolutionMs: number;
  /** `Envelope.idempotencyKey` is honored. */
  readonly idempotency: boolean;
  /** The broker is a `CancellingBroker`. */
  readonly cancel: boolean;
  /** `exact`: every figure of `InspectableBroker.counts` is read from the server. */
  readonly counts: 'exact' | 'ready-only';
  /**
   * Where the server bounds how long a consumer may hold a message: a task's `timeout` must stay below `ms`.
   * `setting` says in an error what sets the bound. @default none
   */
  readonly timeoutLimit?: { readonly ms: number; readonly setting: string } | undefined;
  /**
   * Most single sends that one `publish` carries; `sendMany` keeps to 500. Fewer where the server confirms message by
   * message: while many senders wait for the last of a large batch, none of them sends the next. @default 500
   */
  readonly sendsAtOnce?: number | undefined;
}

/** Answer for one published envelope, in the order given. */
export interface PublishReceipt {
  /** The message's id; that of the first message where an idempotency key was known already. */
  readonly id: string;
  /** False where an idempotency key was known: nothing was stored. */
  readonly isNew: boolean;
}

/** What a consumer asks for; the core gives all of it, and the adapter fills in what a caller of its own leaves out. */
export interface SubscribeOptions {
  /** How long a silent consumer keeps its deliveries, in milliseconds. @default 30_000 */
  readonly leaseMs?: number | undefined;
  /** How many deliveries a pushing broker may send ahead of `receive`. @default 1 */
  readonly prefetch?: number | undefined;
  /** Names the consumer in what the broker records; `ReleasingBroker.releaseWorker` takes it. @default a random id */
  readonly workerId?: string | undefined;
}

/**
 * A place that keeps envelopes and hands them over under a lease: all that a broker author has to write.
 * Retry policies, timeouts, serialization, validation and logging live in the core.
 */
export interface Broker {
  readonly capabilities: BrokerCapabilities;

  /**
   * Stores envelopes; resolves once every one of them is stored as durably as the broker can. What is published before
   * anybody subscribed is kept. An envelope whose `notBefore` lies ahead becomes ready no earlier. Publishing an id
   * twice is harmless where the broker can see it (a repeat after a lost answer). What it keeps is a copy: bytes and
   * headers may be changed afterwards.
   * @throws BrokerUnavailableError when it cannot tell what was stored, and once it is closed (`BROKER_CLOSED`);
   * PartlyStoredError; ConfigError for a queue name that `checkQueueName` refuses
   */
  publish(envelopes: readonly Envelope[]): Promise<readonly PublishReceipt[]>;

  /**
   * Opens a consumer of one queue. One subscription a queue is enough: `receive` takes as many as asked.
   * @throws BrokerUnavailableError once it is closed; ConfigError for a queue name that `checkQueueName` refuses
   */
  subscribe(queue: string, options: SubscribeOptions): Promise<Subscription>;

  /**
   * Ends every timer, socket and pending promise; a `receive` that waits resolves with none. May be called twice.
   * Deliveries still held come back by lease.
   */
  close(): Promise<void>;
}

/** One consumer of one queue. */
export interface Subscription {
  /**
   * Takes up to `limit` ready envelopes under a lease each. With `wait` it resolves as soon as there is one at
   * least, without busy polling; without, at once, perhaps with none. Once `signal` is aborted, or subscription or
   * broker closed, it resolves with none and takes none. Called again only after the call before has resolved.
   * What it gives is a copy: a caller that changes bytes or headers changes neither what is stored nor what is handed
   * over next.
   */
  receive(
    limit: number,
    options: { readonly signal: AbortSignal; readonly wait: boolean },
  ): Promise<readonly Delivery[]>;

  /**
   * Ends deliveries, of mixed fates in one call. Resolves with those whose lease was already lost: for them nothing
   * changed. Rejects only where the broker could not be asked, or an answer was lost on the way, so that nobody can tell
   * whose doing it is that a lease is over; asking again is harmless.
   */
  settle(settlements: readonly Settlement[]): Promise<readonly Delivery[]>;

  /** Renews the leases of deliveries, from now. Resolves with those already lost. */
  extend(deliveries: readonly Delivery[]): Promise<readonly Delivery[]>;

  /**
   * Stops taking messages, drops what was pushed ahead and never received, and frees what belongs to the consumer.
   * What was received and not settled comes back when its lease runs out, and counts as a crash.
   */
  close(): Promise<void>;
}
