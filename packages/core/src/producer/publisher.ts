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

/** Envelopes in one call to the broker: enough to be worth a round trip, few enough not to block a server. */
const LARGEST_BATCH = 500;

/** Rounds of sending, one after the other, that may hold up the event loop. */
const MOST_ROUNDS = 100;

/** What goes to the broker in one call. */
class Batch {
  /** When its first envelope was added, on the monotonic clock. */
  readonly sentAt: number;
  readonly envelopes: Envelope[] = [];
  /** Resolves with what became of each envelope, in their order. */
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

/** Gathers what is sent in one go into batches, so that a hundred concurrent sends cost one round trip. */
export class Publisher {
  readonly #broker: Broker;
  readonly #clock: Clock;
  readonly #sendTimeoutMs: number;
  readonly #sendsAtOnce: number;
  readonly #stats: SendStats;
  /** One for each batch whose senders wait. */
  readonly #underway = new Set<Promise<void>>();
  #gathered: Batch[] = [];
  #filling: Batch | undefined;
  /** Rounds since the event loop has turned. */
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
   * Resolves with what `made` makes of the receipt, once the broker has stored it.
   * @param isOfMany its sender waits for many more
   * @throws BrokerUnavailableError after `sendTimeoutMs` (`SEND_TIMEOUT`: it may have been stored), or as the broker says
   */
  publish<T>(envelope: Envelope, made: (receipt: PublishReceipt) => T, isOfMany = false): Promise<T> {
    const batch = this.#batch(isOfMany ? LARGEST_BATCH : this.#sendsAtOnce);
    // All wait for the promise of their batch: one of their own each would cost twice the memory.
    const index = batch.envelopes.push(envelope) - 1;
    return batch.stored.then((outcomes) => {
      const outcome = outcomes[index] as PublishReceipt | BrokkrError;
      if (outcome instanceof Error) throw outcome;
      return made(outcome);
    });
  }

  /** Resolves once everything given so far has been stored or refused, or its time is up. */
  async drained(): Promise<void> {
    this.#flush();
    await Promise.all(this.#underway);
  }

  /** The batch with room for one more. */
  #batch(most: number): Batch {
    if (this.#filling !== undefined && this.#filling.envelopes.length < most) return this.#filling;
    if (this.#gathered.length === 0) this.#scheduleFlush();
    this.#filling = new Batch(this.#clock.monotonic());
    this.#gathered.push(this.#filling);
    return this.#filling;
  }

  #scheduleFlush(): void {
    if (this.#rounds === 0) {
      setImmediate(() => {
        this.#rounds = 0;
      });
    }
    // After the microtasks that run now: all that one Promise.all sends is there by then. A broker in this process
    // answers before the event loop turns, so that whoever sends without end would stop all else, but for this.
    if (++this.#rounds <= MOST_ROUNDS) nextTick(() => this.#flush());
    else setImmediate(() => this.#flush());
  }

  #flush(): void {
    const gathered = this.#gathered;
    this.#gathered = [];
    this.#filling = undefined;
    for (const batch of gathered) {
      void this.#publish(batch);
      // Not the broker's call: one that it never answers has ended for its senders when its time is up.
      const settled: Promise<void> = batch.stored.then(
        (outcomes) => {
          this.#underway.delete(settled);
          this.#stats.answered(batch.envelopes, outcomes, this.#clock.monotonic() - batch.sentAt);
        },
        (error: unknown) => {
          this.#underway.delete(settled);
          this.#stats.failed(batch.envelopes, error, this.#clock.monotonic() - batch.sentAt);
        },
      );
      this.#underway.add(settled);
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
