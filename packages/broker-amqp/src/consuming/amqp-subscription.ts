import {
  type BrokerOptions,
  type Delivery,
  isSuspect,
  type ServerClock,
  type Settlement,
  type Subscription,
} from '@brokkr/core/adapter';
import type { Message } from 'amqplib';
import type { Connection } from '../connection/connection.ts';
import type { QueueCounter } from '../connection/queue-counter.ts';
import type { Session } from '../connection/session.ts';
import type { SessionPool } from '../connection/session-pool.ts';
import type { Addresses } from '../publishing/addresses.ts';
import { decodeMessage } from '../publishing/envelope-codec.ts';
import type { HeartbeatThread } from '../heartbeat-thread/heartbeat-thread.ts';
import type { Publisher } from '../publishing/publisher.ts';
import type { Names } from '../topology/names.ts';
import type { Topology } from '../topology/topology.ts';
import type { BlockWatch } from './block-watch.ts';
import { type Arrival, crashesBeside, LeasedArrivals } from './leased-arrivals.ts';
import { IdsAtBreak } from './ids-at-break.ts';
import { nextFence } from './next-fence.ts';
import { PushBuffer } from './push-buffer.ts';
import { Quarantine } from './quarantine.ts';
import { QueueReader } from './queue-reader.ts';
import { Returns } from './returns.ts';
import { Settling } from './settling.ts';
import { askSessions } from './still-ours.ts';
import type { SuspectGate } from './suspect-gate.ts';

/** Pushed messages that are not received within this time are returned: another worker may be free. */
const IDLE_MS = 1_000;
const SHORTEST_TICK_MS = 20;
const LONGEST_TICK_MS = 250;

export interface AmqpSubscriptionOptions {
  readonly queue: string;
  readonly leaseMs: number;
  readonly prefetch: number;
  readonly gate: SuspectGate;
  readonly connection: Connection;
  readonly sessions: SessionPool;
  readonly quarantineSessions: SessionPool;
  readonly counter: QueueCounter;
  readonly blocks: BlockWatch;
  /** Sends heartbeats while the event loop is blocked. */
  readonly heartbeats?: HeartbeatThread | undefined;
  /** Subscriptions of this process. */
  readonly subscriptions: () => number;
  readonly topology: Topology;
  readonly names: Names;
  readonly addresses: Addresses;
  readonly publisher: Publisher;
  readonly clock: ServerClock;
  readonly logger: BrokerOptions['logger'];
  readonly onClose: () => void;
}

/**
 * One consumer of a queue. The server pushes up to `prefetch` messages, and `receive` takes from them. The lease is the
 * connection, and within it our own deadline for each message.
 */
export class AmqpSubscription implements Subscription {
  readonly #options: AmqpSubscriptionOptions;
  readonly #reader: QueueReader;
  readonly #quarantine: Quarantine;
  readonly #leases: LeasedArrivals;
  readonly #returns: Returns;
  readonly #settling: Settling;
  readonly #buffer: PushBuffer;
  readonly #closing = new AbortController();
  readonly #tick: NodeJS.Timeout;
  readonly #hadAtBreak = new IdsAtBreak();
  #wake: (() => void) | undefined;
  #askedAt = performance.now();
  /**
   * A suspect was in the quarantine while this worker held other messages. If it is still there, no free worker has
   * taken it.
   */
  #hasSuspects = false;

  constructor(options: AmqpSubscriptionOptions) {
    const { queue, names, leaseMs, prefetch, counter } = options;
    this.#options = options;
    this.#returns = new Returns(options, this.#closing.signal);
    const { blocks, heartbeats } = options;
    this.#leases = new LeasedArrivals(leaseMs, options.gate, () => blocks.unblockedNow(), heartbeats?.open());
    this.#settling = new Settling({ ...options, leases: this.#leases, returns: this.#returns });
    const onOver = (session: Session) => this.#over(session);
    const serverQueue = names.queue(queue);
    this.#reader = new QueueReader({
      ...options,
      serverQueue,
      prefetch,
      onMessage: (message, session) => this.#arrived(message, session),
      onOver,
    });
    this.#buffer = new PushBuffer({
      counter,
      serverQueue,
      hasConsumer: () => this.#reader.hasConsumer,
      roundTrip: () => this.#reader.roundTrip(),
    });
    this.#quarantine = new Quarantine({
      ...options,
      sessions: options.quarantineSessions,
      serverQueue: names.quarantine(queue),
      onOver,
    });
    const tickMs = Math.min(LONGEST_TICK_MS, Math.max(SHORTEST_TICK_MS, leaseMs / 10));
    this.#tick = setInterval(() => this.#onTick(), tickMs);
  }

  async receive(
    limit: number,
    { signal, wait }: { readonly signal: AbortSignal; readonly wait: boolean },
  ): Promise<readonly Delivery[]> {
    this.#resume();
    // Fast path: a message is here, and the quarantine need not be counted.
    if (wait && this.#mayHandOut && !this.#quarantine.isDue && !signal.aborted && !this.#closing.signal.aborted) {
      this.#askedAt = performance.now();
      return this.#leases.hold(this.#buffer.take(limit));
    }
    const stop = () => this.#wake?.();
    signal.addEventListener('abort', stop);
    // However long the server takes to answer: this call is not idle.
    this.#askedAt = Number.POSITIVE_INFINITY;
    try {
      for (;;) {
        if (signal.aborted || this.#closing.signal.aborted) return [];
        const suspect = this.#quarantine.isDue ? await this.#takeSuspect() : undefined;
        if (suspect === undefined && !wait) await this.#fill(limit, signal);
        if (signal.aborted || this.#closing.signal.aborted) {
          if (suspect !== undefined) await this.#giveBack([suspect], 0);
          this.#options.gate.free(this);
          return [];
        }
        if (suspect !== undefined) {
          this.#options.gate.occupy();
          return this.#leases.hold([suspect]);
        }
        if (this.#mayHandOut) return this.#leases.hold(this.#buffer.take(limit));
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

  settle(settlements: readonly Settlement[]): Promise<readonly Delivery[]> {
    return this.#settling.settle(settlements);
  }

  async extend(deliveries: readonly Delivery[]): Promise<readonly Delivery[]> {
    if (this.#options.blocks.wasBlocked) await askSessions(this.#leases, deliveries);
    return this.#leases.extend(deliveries);
  }

  guard(delivery: Delivery, until: number): void {
    this.#leases.started(delivery, until);
  }

  holds(delivery: Delivery): boolean {
    return this.#leases.live(delivery, this.#leases.now()) !== undefined;
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#wake?.();
    clearInterval(this.#tick);
    await this.#options.connection.lastAnswers(this.#end());
    this.#options.gate.free(this);
    this.#options.onClose();
  }

  async #end(): Promise<void> {
    await this.#reader.drainAcks();
    const back = [this.#giveBack(this.#buffer.take(), 0), this.#giveBack(this.#leases.takeAll(), 1)];
    await Promise.all([...back, this.#settling.finished()]);
    await Promise.all([this.#reader.close(), this.#quarantine.close()]);
  }

  #resume(): void {
    if (this.#reader.isWanted) return;
    this.#buffer.changed();
    this.#reader.resume();
  }

  /** Makes sure that an empty buffer means an empty queue. */
  async #fill(limit: number, signal: AbortSignal): Promise<void> {
    const { gate, prefetch } = this.#options;
    if (gate.isClosed) return;
    await this.#buffer.fill(Math.min(limit, prefetch), signal, () => prefetch - this.#leases.size);
  }

  #arrived(message: Message, session: Session): void {
    const arrival = this.#read(message, session);
    if (!message.fields.redelivered && !isSuspect(arrival.delivery)) {
      this.#buffer.add(arrival);
      this.#wake?.();
      return;
    }
    // Delivered before, or a suspect: its copy is stored in its queue or quarantine before any message runs.
    const wasHere = this.#hadAtBreak.take(arrival.delivery.envelope.id);
    const crashes = message.fields.redelivered && !wasHere ? crashesBeside(arrival) : 0;
    const { gate, publisher } = this.#options;
    const giveBack = (onRefused: () => void) => this.#giveBack([arrival], crashes, onRefused);
    const isBlocked = () => publisher.isBlocked;
    void gate.closeFor(giveBack, isBlocked).then(() => {
      if (this.#mayHandOut || this.#quarantine.isDue) this.#wake?.();
    });
  }

  get #mayHandOut(): boolean {
    return this.#buffer.size > 0 && !this.#options.gate.isClosed;
  }

  /** Takes a suspect if this worker holds nothing else. If it does, it receives nothing more until it has finished. */
  async #takeSuspect(): Promise<Arrival | undefined> {
    const { gate } = this.#options;
    const hadSome = this.#hasSuspects;
    this.#hasSuspects = await this.#quarantine.hasAny();
    if (!this.#hasSuspects) {
      gate.free(this);
      return undefined;
    }
    if (gate.isReturning || (!gate.isEmpty && !hadSome)) return undefined;
    if (!gate.reserve(this) || !gate.isEmpty) return undefined;
    const taken = await this.#quarantine.take();
    if (taken === undefined) {
      gate.free(this);
      return undefined;
    }
    const arrival = this.#read(taken.message, taken.session);
    if (!taken.message.fields.redelivered) return arrival;
    // It ran alone, so the crash is its own. The copy carries the count, because the server does not keep one.
    const wasHere = this.#hadAtBreak.take(arrival.delivery.envelope.id);
    await this.#giveBack([arrival], wasHere ? 0 : 1);
    gate.free(this);
    return this.#takeSuspect();
  }

  #read(message: Message, session: Session): Arrival {
    const { queue, clock } = this.#options;
    const { envelope: stored, metadata, notBefore: dueAt } = decodeMessage(message, queue);
    const envelope = clock.toLocal(stored);
    const { remainingDelayMs, crashes } = metadata;
    const fence = nextFence(metadata.fence);
    const delivery: Delivery =
      remainingDelayMs > 0
        ? { envelope, fence, crashes, remainingDelayMs, dueAt }
        : metadata.fence > 0
          ? { envelope, fence, crashes, dueAt, mayHaveRun: true }
          : dueAt === undefined
            ? { envelope, fence, crashes }
            : { envelope, fence, crashes, dueAt };
    return { session, message, delivery };
  }

  async #giveBack(arrivals: readonly Arrival[], crashes: number, onRefused?: () => void): Promise<void> {
    if (arrivals.length > 0 && (await this.#returns.give(arrivals, crashes, onRefused))) this.#quarantine.lookSoon();
  }

  #onTick(): void {
    const { gate } = this.#options;
    const lapsed = this.#leases.takeLapsed();
    if (lapsed.length > 0) void this.#giveBack(lapsed, 1);
    if (this.#wake !== undefined) {
      // A call waits: for the quarantine too, which pushes nothing, and for the end of a suspect.
      if (gate.isReservedBy(this) && gate.isEmpty) this.#quarantine.lookSoon();
      if (this.#quarantine.isDue || this.#mayHandOut) this.#wake();
    } else if (performance.now() - this.#askedAt > IDLE_MS) {
      // A subscription that receives nothing must not keep messages from other workers.
      gate.free(this);
      if (this.#buffer.size === 0 || !this.#reader.isWanted) return;
      void this.#reader.pause().then(() => this.#giveBack(this.#buffer.take(), 0));
    }
  }

  /**
   * The server delivers all messages of this session again. If the connection broke, no handler caused it. If the event
   * loop was blocked, one of the running handlers caused it: then their next delivery counts as a crash.
   */
  #over(session: Session): void {
    const ahead = this.#buffer.takeOf(session);
    this.#buffer.changed();
    const held = this.#leases.takeOf(session);
    const unharmed = this.#options.blocks.wasBlocked ? ahead : [...ahead, ...held];
    for (const { delivery } of unharmed) this.#hadAtBreak.add(delivery.envelope.id);
  }
}
