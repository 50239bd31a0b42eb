import type { Delivery, Settlement } from '@brokkr/core/adapter';
import type { Addresses } from '../publishing/addresses.ts';
import type { Publisher } from '../publishing/publisher.ts';
import type { Outgoing } from '../publishing/send-batch.ts';
import { acknowledge } from './acknowledge.ts';
import type { BlockWatch } from './block-watch.ts';
import type { LeasedArrivals, LeasedArrival } from './leased-arrivals.ts';
import type { Returns } from './returns.ts';
import { askSessions } from './still-ours.ts';

export interface SettlingOptions {
  readonly queue: string;
  readonly leases: LeasedArrivals;
  readonly returns: Returns;
  readonly blocks: BlockWatch;
  readonly addresses: Addresses;
  readonly publisher: Publisher;
}

/** Ends deliveries. A replacement is stored before its original is acknowledged, so that neither is lost. */
export class Settling {
  readonly #options: SettlingOptions;
  /** Replacements on their way: their originals are acknowledged before their channel closes. */
  readonly #sending = new Set<Promise<unknown>>();
  /** Settled by a call that failed for another delivery. */
  readonly #settled = new WeakSet<Delivery>();

  constructor(options: SettlingOptions) {
    this.#options = options;
  }

  /** Resolves once the replacements that are in flight now are stored, or have failed. */
  async finished(): Promise<void> {
    await Promise.all(this.#sending);
  }

  /** See `Subscription.settle`. Returns the lost deliveries in the order of the call. */
  async settle(settlements: readonly Settlement[]): Promise<readonly Delivery[]> {
    const lost = await this.#settle(settlements);
    if (lost.length < 2) return lost;
    const all = new Set(lost);
    return settlements.map(({ delivery }) => delivery).filter((delivery) => all.has(delivery));
  }

  async #settle(settlements: readonly Settlement[]): Promise<readonly Delivery[]> {
    const { leases, blocks, publisher } = this.#options;
    if (blocks.wasBlocked) {
      await askSessions(
        leases,
        settlements.map(({ delivery }) => delivery),
      );
    }
    const lost: Delivery[] = [];
    const done: LeasedArrival[] = [];
    const replaced: LeasedArrival[] = [];
    const replacements: Outgoing[] = [];
    const now = leases.now();
    for (const settlement of firstReleaseFirst(settlements)) {
      if (this.#settled.has(settlement.delivery)) continue;
      const held = leases.live(settlement.delivery, now);
      if (held === undefined || held.isSettling) {
        lost.push(settlement.delivery);
        continue;
      }
      const replacement = this.#replacement(settlement, held);
      if (replacement === undefined) {
        done.push(held);
        leases.drop(held);
      } else {
        held.isSettling = true;
        replaced.push(held);
        replacements.push({ ...replacement, isNeeded: () => held.session.isOpen });
      }
    }
    acknowledge(done, (session, tags) => session.ack(tags));
    if (replaced.length === 0) return lost;
    const sending = publisher.send(replacements);
    this.#sending.add(sending);
    const outcomes = await sending;
    this.#sending.delete(sending);
    const stored = replaced.filter((_, index) => outcomes[index] === undefined);
    for (const held of stored) {
      leases.drop(held);
      // The server delivers the message again, and nothing stored here changes that.
      if (!held.session.isOpen) lost.push(held.delivery);
    }
    acknowledge(stored, (session, tags) => session.ackNow(tags));
    const error = outcomes.find((outcome) => outcome !== undefined);
    if (error === undefined) return lost;
    // The caller settles all of them again. Those that are settled already must not look lost then.
    for (const { delivery } of [...done, ...stored]) if (!lost.includes(delivery)) this.#settled.add(delivery);
    for (const held of replaced) held.isSettling = false;
    throw error;
  }

  /** The message to store before the delivery is forgotten; undefined if no message replaces it. */
  #replacement(settlement: Settlement, held: LeasedArrival): Outgoing | undefined {
    const { addresses, queue, returns } = this.#options;
    const { fence, crashes } = settlement.delivery;
    switch (settlement.kind) {
      case 'ack':
      case 'expire':
        return undefined;
      case 'retry':
        // Its `notBefore` sends it over the delay ladder.
        return addresses.toQueueWhenDue(settlement.replacement, { fence, crashes, remainingDelayMs: 0 });
      case 'dead-letter':
        return addresses.toDeadLetters(queue, settlement.replacement);
      case 'release':
        // A copy, never a nack: the server would mark it as redelivered, which counts as a crash.
        return returns.copyOf(held, 0);
    }
  }
}

/**
 * A call has its last release first, for a server that puts each at the head of the queue. Copies go to the tail: stored
 * in reverse, they keep their order.
 */
function firstReleaseFirst(settlements: readonly Settlement[]): readonly Settlement[] {
  if (!settlements.some(isRelease)) return settlements;
  const others = settlements.filter((settlement) => !isRelease(settlement));
  return [...others, ...settlements.filter(isRelease).toReversed()];
}

function isRelease({ kind }: Settlement): boolean {
  return kind === 'release';
}
