import { closedError } from '../connection/amqp-errors.ts';
import { QueuePublisher, type QueuePublisherOptions } from './queue-publisher.ts';
import type { Outcome, Outgoing } from './send-batch.ts';

/** Queues with a channel of their own; a connection has some two thousand at most (`channel_max`). */
const MOST_CHANNELS = 256;

/** Publishes to any queue, so that one that takes nothing now keeps no other waiting. */
export class Publisher {
  readonly #options: QueuePublisherOptions;
  readonly #queues = new Map<string, QueuePublisher>();
  /** Of all queues beyond those. */
  #others: QueuePublisher | undefined;

  constructor(options: QueuePublisherOptions) {
    this.#options = options;
  }

  /** What became of each message, in their order; as `QueuePublisher.send` says. */
  async send(messages: readonly Outgoing[]): Promise<readonly Outcome[]> {
    if (this.#options.connection.isClosed) return messages.map(closedError);
    const [first] = messages;
    if (first === undefined) return [];
    if (messages.every(({ queue }) => queue === first.queue)) return this.#publisherOf(first.queue).send(messages);
    const outcomes: Outcome[] = [];
    await Promise.all(
      [...byPlace(messages)].map(async ([queue, places]) => {
        const ends = await this.#publisherOf(queue).send(places.map((place) => messages[place] as Outgoing));
        for (const [index, place] of places.entries()) outcomes[place] = ends[index];
      }),
    );
    return outcomes;
  }

  /** Ends all that waits. The connection is closed by its owner. */
  close(): void {
    for (const publisher of this.#queues.values()) publisher.close();
    this.#others?.close();
  }

  #publisherOf(queue: string): QueuePublisher {
    const known = this.#queues.get(queue);
    if (known !== undefined) return known;
    if (this.#queues.size >= MOST_CHANNELS) {
      this.#others ??= new QueuePublisher(this.#options);
      return this.#others;
    }
    const publisher = new QueuePublisher(this.#options);
    this.#queues.set(queue, publisher);
    return publisher;
  }
}

/** Where the messages of each queue stand. */
function byPlace(messages: readonly Outgoing[]): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (const [place, { queue }] of messages.entries()) {
    const known = places.get(queue);
    if (known === undefined) places.set(queue, [place]);
    else known.push(place);
  }
  return places;
}
