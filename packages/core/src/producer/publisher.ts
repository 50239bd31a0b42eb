import { nextTick } from 'node:process';
import type { Broker, PublishReceipt } from '../broker/broker.ts';
import type { Envelope } from '../broker/envelope.ts';
import type { Clock } from '../clock/clock.ts';
import { BrokkrError } from '../errors/brokkr-error.ts';
import { BrokerUnavailableError } from '../errors/errors.ts';
import { failpoint } from '../failpoints/failpoint.ts';

/** Envelopes in one call to the broker: enough to be worth a round trip, few enough not to block a server. */
const LARGEST_BATCH = 500;

interface Waiting {
  readonly envelope: Envelope;
  readonly stored: (receipt: PublishReceipt) => void;
  readonly reject: (error: unknown) => void;
}

/** Gathers what is sent in one go into batches, so that a hundred concurrent sends cost one round trip. */
export class Publisher {
  readonly #broker: Broker;
  readonly #clock: Clock;
  readonly #sendTimeoutMs: number;
  readonly #underway = new Set<Promise<void>>();
  #gathered: Waiting[] = [];

  constructor(broker: Broker, clock: Clock, sendTimeoutMs: number) {
    this.#broker = broker;
    this.#clock = clock;
    this.#sendTimeoutMs = sendTimeoutMs;
  }

  get broker(): Broker {
    return this.#broker;
  }

  /**
   * Resolves with what `made` makes of the receipt, once the broker has stored it.
   * @throws BrokerUnavailableError after `sendTimeoutMs` (`SEND_TIMEOUT`: it may have been stored), or as the broker says
   */
  publish<T>(envelope: Envelope, made: (receipt: PublishReceipt) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      // After the microtasks that run now: all that one Promise.all sends is there by then.
      if (this.#gathered.length === 0) nextTick(() => this.#flush());
      this.#gathered.push({ envelope, stored: (receipt) => resolve(made(receipt)), reject });
    });
  }

  /** Resolves once everything given so far has been stored or refused. */
  async drained(): Promise<void> {
    this.#flush();
    await Promise.all(this.#underway);
  }

  #flush(): void {
    const gathered = this.#gathered;
    this.#gathered = [];
    for (let from = 0; from < gathered.length; from += LARGEST_BATCH) {
      const batch = gathered.length <= LARGEST_BATCH ? gathered : gathered.slice(from, from + LARGEST_BATCH);
      const call = this.#publish(batch).finally(() => this.#underway.delete(call));
      this.#underway.add(call);
    }
  }

  async #publish(batch: readonly Waiting[]): Promise<void> {
    let timedOut = false;
    const timer = this.#clock.setTimeout(() => {
      timedOut = true;
      refuse(batch, this.#tooLate());
    }, this.#sendTimeoutMs);
    try {
      failpoint('enqueue.before-send');
      const receipts = await this.#broker.publish(batch.map((waiting) => waiting.envelope));
      failpoint('enqueue.after-exec');
      for (let index = 0; index < batch.length; index++) {
        (batch[index] as Waiting).stored(receipts[index] as PublishReceipt);
      }
    } catch (cause) {
      if (!timedOut) refuse(batch, asBrokkrError(cause));
    } finally {
      this.#clock.clearTimeout(timer);
    }
  }

  #tooLate(): BrokerUnavailableError {
    return new BrokerUnavailableError(
      `the broker did not confirm within ${this.#sendTimeoutMs} ms (TASK_SEND_TIMEOUT); the message may have been stored or not`,
      { code: 'SEND_TIMEOUT' },
    );
  }
}

function refuse(batch: readonly Waiting[], error: Error): void {
  for (const { reject } of batch) reject(error);
}

function asBrokkrError(cause: unknown): Error {
  if (BrokkrError.is(cause)) return cause;
  return new BrokerUnavailableError('the broker could not store the message; see the cause', { cause });
}
