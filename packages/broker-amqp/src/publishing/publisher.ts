import { closedError, nothingStored, unavailable } from '../connection/amqp-errors.ts';
import { QueuePublisher, type QueuePublisherOptions } from './queue-publisher.ts';
import type { Outcome, Outgoing } from './send-batch.ts';

/** Most queues with their own channel. If the server allows few channels, a quarter of them. */
const MOST_CHANNELS = 256;
const CHANNEL_SHARE = 4;
/** A channel that was not used for so long may be closed for another queue. */
const IDLE_MS = 10_000;
const LOOK_FOR_IDLE_EVERY_MS = 1_000;

/**
 * Publishes to any queue. Each queue has its own channel, because a queue that accepts nothing blocks its channel. If
 * there are more queues than channels, queues that were not used lately lose theirs, and the others share one.
 */
export class Publisher {
  readonly #options: QueuePublisherOptions;
  readonly #queues = new Map<string, QueuePublisher>();
  /** Publishes for all queues without their own channel. */
  #others: QueuePublisher | undefined;
  #lookedForIdleAt = Number.NEGATIVE_INFINITY;

  constructor(options: QueuePublisherOptions) {
    this.#options = options;
  }

  /** Whether the server accepts no messages, because of an alarm. */
  get isBlocked(): boolean {
    return this.#options.connection.isBlocked;
  }

  /** Publishes messages. @returns the outcome of each, in order; see `QueuePublisher.send` */
  async send(messages: readonly Outgoing[]): Promise<readonly Outcome[]> {
    const { connection } = this.#options;
    if (connection.isClosed) return messages.map(closedError);
    if (connection.current === undefined) {
      // The number of channels that the server allows is known once it is connected. Until then nothing is written.
      const error = await connection.ready().then(
        () => undefined,
        (failure: unknown) => nothingStored(unavailable(failure, connection.address)),
      );
      if (error !== undefined) return messages.map(() => error);
    }
    const [first] = messages;
    if (first === undefined) return [];
    if (messages.every(({ queue }) => queue === first.queue)) return this.#publisherOf(first.queue).send(messages);
    const outcomes: Outcome[] = [];
    await Promise.all(
      [...placesByQueue(messages)].map(async ([queue, places]) => {
        const ends = await this.#publisherOf(queue).send(places.map((place) => messages[place] as Outgoing));
        for (const [index, place] of places.entries()) outcomes[place] = ends[index];
      }),
    );
    return outcomes;
  }

  /** Ends all sends. The connection is closed by its owner. */
  close(): void {
    for (const publisher of this.#queues.values()) publisher.close();
    this.#others?.close();
  }

  #publisherOf(queue: string): QueuePublisher {
    const known = this.#queues.get(queue);
    if (known !== undefined) return known;
    const most = Math.min(MOST_CHANNELS, Math.ceil(this.#options.connection.mostChannels / CHANNEL_SHARE));
    if (this.#queues.size >= most && !this.#closeIdle()) {
      this.#others ??= new QueuePublisher(this.#options);
      return this.#others;
    }
    const publisher = new QueuePublisher(this.#options);
    this.#queues.set(queue, publisher);
    return publisher;
  }

  /** Returns whether a channel was freed. */
  #closeIdle(): boolean {
    const now = performance.now();
    if (now - this.#lookedForIdleAt < LOOK_FOR_IDLE_EVERY_MS) return false;
    this.#lookedForIdleAt = now;
    const before = this.#queues.size;
    for (const [queue, publisher] of this.#queues) {
      if (!publisher.isIdleSince(now - IDLE_MS)) continue;
      this.#queues.delete(queue);
      publisher.close();
    }
    return this.#queues.size < before;
  }
}

/** Returns the places of the messages in the list, by queue. */
function placesByQueue(messages: readonly Outgoing[]): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (const [place, { queue }] of messages.entries()) {
    const known = places.get(queue);
    if (known === undefined) places.set(queue, [place]);
    else known.push(place);
  }
  return places;
}
