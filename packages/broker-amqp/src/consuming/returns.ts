import { setTimeout as sleep } from 'node:timers/promises';
import type { BrokerOptions, ServerClock } from '@brokkr/core/adapter';
import type { Addresses } from '../publishing/addresses.ts';
import { decodeMessage } from '../publishing/envelope-codec.ts';
import type { Publisher } from '../publishing/publisher.ts';
import type { Outgoing } from '../publishing/send-batch.ts';
import { acknowledge } from './acknowledge.ts';
import type { Arrival } from './leased-arrivals.ts';
import { stillOurs } from './still-ours.ts';

/** Time between attempts to give back messages that the server does not accept. */
const AGAIN_MS = 250;

export interface ReturnsOptions {
  readonly queue: string;
  readonly addresses: Addresses;
  readonly publisher: Publisher;
  readonly clock: ServerClock;
  readonly logger: BrokerOptions['logger'];
}

/**
 * Gives messages back to their queue, or to its quarantine, by storing copies at the tail. It never uses a nack:
 * the server would mark the message as redelivered, which counts as a crash.
 */
export class Returns {
  readonly #options: ReturnsOptions;
  readonly #closing: AbortSignal;

  constructor(options: ReturnsOptions, closing: AbortSignal) {
    this.#options = options;
    this.#closing = closing;
  }

  copyOf({ message, delivery }: Arrival, moreCrashes: number): Outgoing {
    const { addresses, clock, queue } = this.#options;
    const { envelope, metadata, notBefore } = decodeMessage(message, queue);
    const { fence, crashes } = delivery;
    return addresses.toQueueNow(
      { ...clock.toLocal(envelope), notBefore },
      { ...metadata, fence, crashes: crashes + moreCrashes },
    );
  }

  /**
   * Stores copies, then acknowledges the originals. Until then the server keeps the originals. It tries again while
   * their channel is open.
   * @param onRefused called if the server does not accept them now
   * @returns false if nothing was given back
   */
  async give(arrivals: readonly Arrival[], crashes: number, onRefused?: () => void): Promise<boolean> {
    const { publisher, logger, queue } = this.#options;
    const living = await stillOurs(arrivals);
    if (living.length === 0) return false;
    const outcomes = await publisher.send(
      living.map((arrival) => ({ ...this.copyOf(arrival, crashes), isNeeded: () => arrival.session.isOpen })),
    );
    const stored = living.filter((_, index) => outcomes[index] === undefined);
    acknowledge(stored, (session, tags) => session.ackNow(tags));
    // One of them may kill this process as soon as it runs: then its original must not be there any more.
    await Promise.all(
      [...new Set(stored.map(({ session }) => session))].map((session) => session.prove().catch(() => undefined)),
    );
    if (stored.length === living.length) return true;
    const error = outcomes.find((outcome) => outcome !== undefined);
    const left = living.filter((_, index) => outcomes[index] !== undefined);
    onRefused?.();
    logger?.warn({ error, queue, messages: left.length }, 'messages cannot be returned now; trying again');
    await sleep(AGAIN_MS, undefined, { signal: this.#closing }).catch(() => undefined);
    if (this.#closing.aborted) return stored.length > 0;
    return (await this.give(left, crashes, onRefused)) || stored.length > 0;
  }
}
