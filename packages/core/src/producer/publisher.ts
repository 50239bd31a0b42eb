import { nextTick } from 'node:process';
// From the module: tests that fake timers replace the global function, and `drain()` would hang.
import { setImmediate } from 'node:timers';
import type { Broker, PublishReceipt } from '../broker/broker.ts';
import { ANSWER_GRACE_MS } from '../broker/answer-grace.ts';
import { PartlyStoredError } from '../broker/partly-stored-error.ts';
import type { Envelope } from '../broker/envelope.ts';
import type { Clock } from '../clock/clock.ts';
import { BrokkrError } from '../errors/brokkr-error.ts';
import { BrokerUnavailableError } from '../errors/errors.ts';
import { failpoint } from '../failpoints/failpoint.ts';
import type { SendStats } from './send-stats.ts';

/** Most envelopes of one call: enough to be worth a round trip, few enough not to block a server. */
const LARGEST_BATCH = 500;

/** Most batches, one after the other, before the event loop must turn. */
const MOST_ROUNDS = 100;

/** The envelopes of one call to the broker. */
class Batch {
  /** When its first envelope was added, on the monotonic clock. */
  readonly sentAt: number;
  readonly envelopes: Envelope[] = [];
  /** Resolves with the receipt or error of each envelope, in their order. */
  readonly stored: Promise<readonly (PublishReceipt | BrokkrError)[]>;
  resolve!: (outcomes: readonly (PublishReceipt | BrokkrError)[]) => void;
  reject!: (error: unknown) => void;

  constructor(sentAt: number) {
    this.sentAt = sentAt;
    this.stored = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

/** Joins sends of the same turn of the event loop into batches: a hundred concurrent sends need one round trip. */
export class Publisher {
  readonly #broker: Broker;
  readonly #clock: Clock;
  readonly #sendTimeoutMs: number;
  readonly #sendsAtOnce: number;
  readonly #stats: SendStats;
  /** A promise for each batch whose senders wait. */
  readonly #pending = new Set<Promise<void>>();
  #waiting: Batch[] = [];
  #filling: Batch | undefined;
  /** Batches since the last turn of the event loop. */
  #rounds = 0;

  constructor(broker: Broker, clock: Clock, sendTimeoutMs: number, stats: SendStats) {
    this.#stats = stats;
    this.#broker = broker;
    this.#clock = clock;
    this.#sendTimeoutMs = sendTimeoutMs;
    this.#sendsAtOnce = broker.capabilities.sendsAtOnce ?? LARGEST_BATCH;
  }

  get broker(): Broker {
    return this.#broker;
  }

  /**
   * Publishes an envelope in the next batch. Resolves with `made(receipt)` once the broker has stored it.
   * @param isOfMany whether it is part of a `sendMany`: then batches are as large as they may be
   * @throws BrokerUnavailableError after `sendTimeoutMs` (`SEND_TIMEOUT`: the message may be stored), or from the broker
   */
  publish<T>(envelope: Envelope, made: (receipt: PublishReceipt) => T, isOfMany = false): Promise<T> {
    const batch = this.#batch(isOfMany ? LARGEST_BATCH : this.#sendsAtOnce);
    // All senders wait for the promise of their batch. One for each would need twice the memory.
    const index = batch.envelopes.push(envelope) - 1;
    return batch.stored.then((outcomes) => {
      const outcome = outcomes[index] as PublishReceipt | BrokkrError;
      if (outcome instanceof Error) throw outcome;
      return made(outcome);
    });
  }

  /** Resolves once every pending envelope was stored or refused, or has timed out. */
  async drained(): Promise<void> {
    this.#flush();
    await Promise.all(this.#pending);
  }

  /** Returns a batch that has room for one more envelope. */
  #batch(most: number): Batch {
    if (this.#filling !== undefined && this.#filling.envelopes.length < most) return this.#filling;
    if (this.#waiting.length === 0) this.#scheduleFlush();
    this.#filling = new Batch(this.#clock.monotonic());
    this.#waiting.push(this.#filling);
    return this.#filling;
  }

  #scheduleFlush(): void {
    if (this.#rounds === 0) {
      setImmediate(() => {
        this.#rounds = 0;
      });
    }
    // Flush after the current microtasks, when all sends of one Promise.all are in the batch. A broker in this process
    // answers before the event loop turns: code that sends without end would block it, so every hundredth flush waits.
    if (++this.#rounds <= MOST_ROUNDS) nextTick(() => this.#flush());
    else setImmediate(() => this.#flush());
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#filling = undefined;
    for (const batch of waiting) {
      void this.#publish(batch);
      // The senders' promise, not the broker's call: a call without an answer ends for its senders by their timeout.
      const settled: Promise<void> = batch.stored.then(
        (outcomes) => {
          this.#pending.delete(settled);
          this.#stats.answered(batch.envelopes, outcomes, this.#clock.monotonic() - batch.sentAt);
        },
        (error: unknown) => {
          this.#pending.delete(settled);
          this.#stats.failed(batch.envelopes, error, this.#clock.monotonic() - batch.sentAt);
        },
      );
      this.#pending.add(settled);
    }
  }

  async #publish(batch: Batch): Promise<void> {
    const timer = this.#clock.setTimeout(() => batch.reject(this.#tooLate()), this.#sendTimeoutMs + ANSWER_GRACE_MS);
    try {
      failpoint('enqueue.before-send');
      const receipts = await this.#broker.publish(batch.envelopes);
      failpoint('enqueue.after-exec');
      batch.resolve(receipts);
    } catch (cause) {
      if (PartlyStoredError.is(cause)) batch.resolve(cause.outcomes);
      else batch.reject(asBrokkrError(cause));
    } finally {
      this.#clock.clearTimeout(timer);
    }
  }

  #tooLate(): BrokerUnavailableError {
    return new BrokerUnavailableError(
      `the broker did not confirm within ${this.#sendTimeoutMs} ms (TASK_SEND_TIMEOUT); the message may be stored or not`,
      { code: 'SEND_TIMEOUT' },
    );
  }
}

function asBrokkrError(cause: unknown): Error {
  if (BrokkrError.is(cause)) return cause;
  return new BrokerUnavailableError('the broker failed while it stored the message, which may be stored or not', {
    cause,
  });
}
