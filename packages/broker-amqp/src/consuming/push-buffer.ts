import type { QueueCounter } from '../connection/queue-counter.ts';
import type { Session } from '../connection/session.ts';
import type { Arrival } from './leased-arrivals.ts';

/** Most time to wait for messages that the server has counted: a busy one takes this long to write acknowledgements. */
const LONGEST_WAIT_MS = 2_000;
/** The same while the queue has no consumer: it may be one that cannot be read, and must not block other queues. */
const LONGEST_WAIT_UNREAD_MS = 250;
/** Time for finished deliveries to be settled: until then the prefetch has less room than the worker has free slots. */
const SETTLING_MS = 100;
/** Messages that the server has counted are still to arrive; it is polled again after this time. */
const AGAIN_MS = 2;

export interface PushBufferOptions {
  readonly counter: QueueCounter;
  readonly serverQueue: string;
  /** Whether the server pushes messages now. */
  readonly hasConsumer: () => boolean;
  /** Resolves once all messages that the server has pushed before have arrived. */
  readonly roundTrip: () => Promise<void>;
}

/** Messages that the server has pushed and no caller has received yet. */
export class PushBuffer {
  readonly #options: PushBufferOptions;
  readonly #waiting = new Set<() => void>();
  #arrivals: Arrival[] = [];
  #changes = 0;
  /** Whether the server has reported, after the last change, that the queue holds no more messages. */
  #isAll = false;

  constructor(options: PushBufferOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#arrivals.length;
  }

  add(arrival: Arrival): void {
    this.#arrivals.push(arrival);
    this.changed();
  }

  /** Messages may have been stored in the queue: the next `fill` counts it again. */
  changed(): void {
    this.#changes++;
    this.#isAll = false;
    if (this.#waiting.size > 0) for (const wake of this.#waiting) wake();
  }

  take(limit = this.#arrivals.length): Arrival[] {
    return this.#arrivals.splice(0, limit);
  }

  /** Removes the messages of a session that has ended. @returns them */
  takeOf(session: Session): Arrival[] {
    const taken = this.#arrivals.filter((arrival) => arrival.session === session);
    if (taken.length > 0) this.#arrivals = this.#arrivals.filter((arrival) => arrival.session !== session);
    return taken;
  }

  /**
   * Waits until the buffer holds `limit` messages, or all that are ready. Between two pushes it is empty although the
   * queue is not. A worker that took that for an empty queue would serve its next queue, whatever the order or weights
   * (1,520 of the first 3,000 messages came from the first queue with `strict`). While the queue stays empty, the
   * server is not polled.
   *
   * @param room messages that the prefetch allows to be pushed now
   */
  async fill(limit: number, signal: AbortSignal, room: () => number): Promise<void> {
    const { counter, serverQueue, roundTrip } = this.#options;
    const startedAt = performance.now();
    const isEnough = () => {
      if (this.size >= limit || this.#isAll || signal.aborted) return true;
      const waitedMs = performance.now() - startedAt;
      if (waitedMs > SETTLING_MS && this.size > 0 && this.size >= room()) return true;
      return waitedMs > (this.#options.hasConsumer() ? LONGEST_WAIT_MS : LONGEST_WAIT_UNREAD_MS);
    };
    while (!isEnough()) {
      const before = this.#changes;
      const ready = await counter.ready(serverQueue);
      if (ready === undefined) return;
      if (ready === 0) await roundTrip();
      if (this.#changes !== before) continue;
      if (ready === 0) this.#isAll = true;
      else await this.#change();
    }
  }

  /** Resolves when something changes, or after 2 ms. */
  #change(): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#waiting.delete(end);
        resolve();
      };
      const timer = setTimeout(end, AGAIN_MS);
      this.#waiting.add(end);
    });
  }
}
