import { setTimeout as sleep } from 'node:timers/promises';
import type { BrokerOptions, Delivery, Settlement, Subscription } from '@brokkr/core/adapter';
import type { Message } from 'amqplib';
import { decodeMessage } from '../publishing/envelope-codec.ts';
import type { SuspectIsolation } from './suspect-isolation.ts';
import { type Arrival, type HeldDelivery, HeldDeliveries } from './held-deliveries.ts';
import type { Connection } from '../connection/connection.ts';
import type { Names } from '../topology/names.ts';
import type { Addresses } from '../publishing/addresses.ts';
import type { Publisher } from '../publishing/publisher.ts';
import type { Outgoing } from '../publishing/send-batch.ts';
import { Quarantine } from './quarantine.ts';
import { QueueReader } from './queue-reader.ts';
import { acknowledge, Returns } from './returns.ts';
import type { Session } from '../connection/session.ts';
import type { Topology } from '../topology/topology.ts';

/** What was pushed ahead and nobody asks for goes back after so long: another worker may be free. */
const IDLE_MS = 1_000;
const SHORTEST_TICK_MS = 20;
const LONGEST_TICK_MS = 250;
const MOST_INTERRUPTED = 10_000;
/** Closing never waits for the server longer than this. */
const CLOSING_MS = 2_000;

export interface AmqpSubscriptionOptions {
  readonly queue: string;
  readonly leaseMs: number;
  readonly prefetch: number;
  readonly isolation: SuspectIsolation;
  readonly connection: Connection;
  readonly topology: Topology;
  readonly names: Names;
  readonly addresses: Addresses;
  readonly publisher: Publisher;
  readonly logger: BrokerOptions['logger'];
  readonly onClose: () => void;
}

/**
 * One consumer of a queue. The server pushes up to `prefetch` messages ahead, and `receive` takes from them. The lease
 * is the connection, and within it a deadline of our own for each message.
 */
export class AmqpSubscription implements Subscription {
  readonly #options: AmqpSubscriptionOptions;
  readonly #reader: QueueReader;
  readonly #quarantine: Quarantine;
  readonly #held: HeldDeliveries;
  readonly #returns: Returns;
  readonly #closing = new AbortController();
  readonly #tick: NodeJS.Timeout;
  /** Pushed ahead, not received. */
  #ahead: Arrival[] = [];
  /** Ids that this process had when a connection broke: seeing them again is no crash. */
  readonly #interrupted = new Set<string>();
  /** Replacements on their way: what they replace is acknowledged before its channel closes. */
  readonly #sending = new Set<Promise<unknown>>();
  /** By a call that told of another's failure. */
  readonly #settled = new WeakSet<Delivery>();
  #wake: (() => void) | undefined;
  #askedAt = performance.now();
  /** A suspect was there when all hands were full: one look later nobody who is free has taken it. */
  #hasSuspects = false;

  constructor(options: AmqpSubscriptionOptions) {
    const { queue, names, leaseMs } = options;
    this.#options = options;
    this.#returns = new Returns(options, this.#closing.signal);
    this.#held = new HeldDeliveries(leaseMs, options.isolation);
    const onOver = (session: Session) => this.#over(session);
    this.#reader = new QueueReader({
      ...options,
      serverQueue: names.queue(queue),
      onMessage: (message, session) => this.#arrived(message, session),
      onOver,
    });
    this.#quarantine = new Quarantine({ ...options, serverQueue: names.quarantine(queue), onOver });
    const tickMs = Math.min(LONGEST_TICK_MS, Math.max(SHORTEST_TICK_MS, leaseMs / 10));
    this.#tick = setInterval(() => this.#onTick(), tickMs);
  }

  async receive(
    limit: number,
    { signal, wait }: { readonly signal: AbortSignal; readonly wait: boolean },
  ): Promise<readonly Delivery[]> {
    this.#reader.resume();
    // What most calls find: something is here, and the quarantine need not be asked.
    if (this.#mayHandOut && !this.#quarantine.isDue && !signal.aborted && !this.#closing.signal.aborted) {
      this.#askedAt = performance.now();
      return this.#held.hold(this.#ahead.splice(0, limit));
    }
    const stop = () => this.#wake?.();
    signal.addEventListener('abort', stop);
    try {
      for (;;) {
        this.#askedAt = performance.now();
        if (signal.aborted || this.#closing.signal.aborted) return [];
        const suspect = this.#quarantine.isDue ? await this.#takeSuspect() : undefined;
        if (signal.aborted || this.#closing.signal.aborted) {
          if (suspect !== undefined) await this.#giveBack([suspect], 0);
          this.#options.isolation.free(this);
          return [];
        }
        if (suspect !== undefined) {
          this.#options.isolation.occupy();
          return this.#held.hold([suspect]);
        }
        if (this.#mayHandOut) return this.#held.hold(this.#ahead.splice(0, limit));
        if (!wait) return [];
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    } finally {
      signal.removeEventListener('abort', stop);
      this.#askedAt = performance.now();
    }
  }

  async settle(settlements: readonly Settlement[]): Promise<readonly Delivery[]> {
    const lost: Delivery[] = [];
    const done: HeldDelivery[] = [];
    const replaced: HeldDelivery[] = [];
    const replacements: Outgoing[] = [];
    const now = performance.now();
    for (const settlement of settlements) {
      if (this.#settled.has(settlement.delivery)) continue;
      const held = this.#held.live(settlement.delivery, now);
      if (held === undefined || held.isSettling) {
        lost.push(settlement.delivery);
        continue;
      }
      const replacement = this.#replacement(settlement, held);
      if (replacement === undefined) {
        done.push(held);
        this.#held.drop(held);
      } else {
        held.isSettling = true;
        replaced.push(held);
        replacements.push({ ...replacement, isNeeded: () => held.session.isOpen });
      }
    }
    acknowledge(done);
    if (replaced.length === 0) return lost;
    const sending = this.#options.publisher.send(replacements);
    this.#sending.add(sending);
    const outcomes = await sending;
    this.#sending.delete(sending);
    const stored = replaced.filter((_, index) => outcomes[index] === undefined);
    for (const held of stored) {
      this.#held.drop(held);
      // The server hands it over again, and nothing stored here changes that.
      if (!held.session.isOpen) lost.push(held.delivery);
    }
    acknowledge(stored);
    const error = outcomes.find((outcome) => outcome !== undefined);
    if (error === undefined) return lost;
    // The caller asks again for all of them: what is settled shall not look lost then.
    for (const { delivery } of [...done, ...stored]) if (!lost.includes(delivery)) this.#settled.add(delivery);
    for (const held of replaced) held.isSettling = false;
    throw error;
  }

  async extend(deliveries: readonly Delivery[]): Promise<readonly Delivery[]> {
    const now = performance.now();
    return deliveries.filter((delivery) => {
      const held = this.#held.live(delivery, now);
      if (held !== undefined) this.#held.renew(held);
      return held === undefined;
    });
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#wake?.();
    clearInterval(this.#tick);
    await Promise.race([this.#end(), sleep(CLOSING_MS, undefined, { ref: false })]);
    this.#options.isolation.free(this);
    this.#options.onClose();
  }

  async #end(): Promise<void> {
    await this.#reader.drainAcks();
    const back = [this.#giveBack(this.#ahead.splice(0), 0), this.#giveBack(this.#held.takeAll(), 1)];
    await Promise.all([...back, ...this.#sending]);
    await Promise.all([this.#reader.close(), this.#quarantine.close()]);
  }

  /** What is stored before the message is forgotten. */
  #replacement(settlement: Settlement, held: HeldDelivery): Outgoing | undefined {
    const { addresses, queue } = this.#options;
    const { fence, crashes } = settlement.delivery;
    switch (settlement.kind) {
      case 'ack':
      case 'expire':
        return undefined;
      case 'retry':
        return addresses.queue(settlement.replacement, { fence, crashes, remainingDelayMs: 0 });
      case 'dead-letter':
        return addresses.dead(queue, settlement.replacement);
      case 'release':
        // Never a nack: the server would count it as a return.
        return this.#returns.copyOf(held, 0);
    }
  }

  #arrived(message: Message, session: Session): void {
    const arrival = this.#read(message, session);
    // Handed over before, or suspected: not to be run beside others before it is clear what it costs.
    if (message.fields.redelivered || arrival.delivery.crashes > 1) {
      const isOurs = this.#interrupted.delete(arrival.delivery.envelope.id);
      void this.#giveBack([arrival], message.fields.redelivered && !isOurs ? crashesBeside(arrival) : 0);
      return;
    }
    this.#ahead.push(arrival);
    this.#wake?.();
  }

  get #mayHandOut(): boolean {
    return this.#ahead.length > 0 && !this.#options.isolation.isReserved;
  }

  /** A suspect, once this process holds nothing else; where it does, nothing more is handed out until it does not. */
  async #takeSuspect(): Promise<Arrival | undefined> {
    const { isolation } = this.#options;
    const hadSome = this.#hasSuspects;
    this.#hasSuspects = await this.#quarantine.hasAny();
    if (!this.#hasSuspects) {
      isolation.free(this);
      return undefined;
    }
    if (!isolation.isEmpty && !hadSome) return undefined;
    if (!isolation.reserve(this) || !isolation.isEmpty) return undefined;
    const taken = await this.#quarantine.take();
    if (taken === undefined) {
      isolation.free(this);
      return undefined;
    }
    const arrival = this.#read(taken.message, taken.session);
    if (!taken.message.fields.redelivered) return arrival;
    // It had the worker for itself, so a crash was its own; the copy keeps the count where the server keeps none.
    const isOurs = this.#interrupted.delete(arrival.delivery.envelope.id);
    await this.#giveBack([arrival], isOurs ? 0 : 1);
    isolation.free(this);
    return this.#takeSuspect();
  }

  #read(message: Message, session: Session): Arrival {
    const { envelope, metadata } = decodeMessage(message, this.#options.queue);
    const { remainingDelayMs, crashes } = metadata;
    const fence = metadata.fence + 1;
    return {
      session,
      message,
      delivery: remainingDelayMs > 0 ? { envelope, fence, crashes, remainingDelayMs } : { envelope, fence, crashes },
    };
  }

  async #giveBack(arrivals: readonly Arrival[], crashes: number): Promise<void> {
    if (await this.#returns.give(arrivals, crashes)) this.#quarantine.lookSoon();
  }

  #onTick(): void {
    const { isolation } = this.#options;
    const lapsed = this.#held.takeLapsed();
    if (lapsed.length > 0) void this.#giveBack(lapsed, 1);
    if (this.#wake !== undefined) {
      // Somebody waits: for the quarantine too, which pushes nothing, and for the end of a suspect.
      if (isolation.isReservedBy(this) && isolation.isEmpty) this.#quarantine.lookSoon();
      if (this.#quarantine.isDue || this.#mayHandOut) this.#wake();
    } else if (performance.now() - this.#askedAt > IDLE_MS) {
      // Who does not ask keeps nobody else from working.
      isolation.free(this);
      if (this.#ahead.length === 0 || !this.#reader.isConsuming) return;
      void this.#reader.pause().then(() => this.#giveBack(this.#ahead.splice(0), 0));
    }
  }

  #over(session: Session): void {
    const gone = [...this.#held.takeOf(session), ...this.#ahead.filter((arrival) => arrival.session === session)];
    this.#ahead = this.#ahead.filter((arrival) => arrival.session !== session);
    // Most of them go to other workers: what is not seen again soon is not worth its memory.
    if (this.#interrupted.size > MOST_INTERRUPTED) this.#interrupted.clear();
    for (const { delivery } of gone) this.#interrupted.add(delivery.envelope.id);
  }
}

/** A crash beside others is nobody's in particular: it makes a suspect at most, and never the crash that is too many. */
function crashesBeside({ delivery }: Arrival): number {
  return delivery.crashes < 2 ? 1 : 0;
}
