import { type BrokkrError, systemClock, TimeLimit } from '@brokkr/core/adapter';
import type { Options } from 'amqplib';
import type { LadderPath } from '../topology/delay-ladder.ts';

/** A message that is being sent to the server. */
export interface Outgoing {
  readonly exchange: string;
  readonly routingKey: string;
  readonly content: Buffer;
  readonly properties: Options.Publish;
  /** Queue whose topology must be declared before the message is sent. */
  readonly queue: string;
  readonly path: LadderPath | undefined;
  /** Bytes of its headers on the wire. */
  readonly headerBytes: number;
  /**
   * Whether it comes from a sender, which can be refused. Any other message is stored already, and loses headers if
   * they are too large.
   */
  readonly isNew: boolean;
  /**
   * Called before a message is sent that had to wait, or is sent again. A copy is not needed once the server delivers its
   * original again.
   */
  readonly isNeeded?: () => boolean;
}

/**
 * Why a message is not stored, or why that is unknown. `undefined`: it is stored, or was not needed any more
 * (`isNeeded`).
 */
export type Outcome = BrokkrError | undefined;

/** Messages whose sender waits until each is stored or has failed. */
export class Batch {
  readonly outcomes: Outcome[];
  readonly messages: readonly Pending[];
  /** Resolves once every message is stored or has failed. Never rejects. */
  readonly done: Promise<void>;
  /** Whether a queue refused one of them. */
  wasRefused = false;
  #left: number;
  #finish: () => void = () => undefined;
  readonly #limit: TimeLimit;

  constructor(messages: readonly Outgoing[], timeoutMs: number, onTimeout: (batch: Batch) => BrokkrError) {
    this.#left = messages.length;
    this.outcomes = new Array<Outcome>(messages.length).fill(undefined);
    this.messages = messages.map((outgoing, index) => new Pending(this, index, outgoing));
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#limit = new TimeLimit(systemClock, timeoutMs, () => this.fail(onTimeout(this)));
  }

  /** Ends the messages that are still in flight. */
  fail(error: BrokkrError): void {
    for (const pending of this.messages) pending.end(error);
  }

  ended(index: number, outcome: Outcome): void {
    this.outcomes[index] = outcome;
    if (--this.#left > 0) return;
    this.#limit.clear();
    this.#finish();
  }
}

/** A message of a batch, until it is stored or has failed. */
export class Pending {
  readonly batch: Batch;
  readonly outgoing: Outgoing;
  readonly #index: number;
  /** False once its outcome is known: it is not sent again. */
  isOpen = true;
  /** Whether its queue and its rungs are declared. */
  isPrepared = false;
  /** Whether no queue took it. */
  isUnroutable = false;
  wasRepaired = false;

  constructor(batch: Batch, index: number, outgoing: Outgoing) {
    this.batch = batch;
    this.#index = index;
    this.outgoing = outgoing;
  }

  end(outcome?: Outcome): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.batch.ended(this.#index, outcome);
  }
}
