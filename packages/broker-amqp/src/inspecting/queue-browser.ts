import type { Channel, ConsumeMessage, Message } from 'amqplib';
import { AckWindow } from '../connection/ack-window.ts';
import { declarationError } from '../connection/amqp-errors.ts';
import type { Connection } from '../connection/connection.ts';
import { Acknowledgements } from '../connection/acknowledgements.ts';

/** Most messages of one consumer: the server reads them into its memory at the same time. */
export const ROUND = 500;
/** If a queue holds messages of more consumers, they return in another order (measured on 3.10). */
const MOST_ROUNDS = 30;
/** Messages that the server counts as delivered may arrive later, from another node. */
const LATE_MS = 250;

/**
 * Takes messages of a queue on one channel, oldest first. Messages that are not acknowledged return when the channel
 * closes: in front of messages that were never delivered, behind messages that were, in the order of their consumers,
 * and for each consumer in order of arrival. Therefore it uses consumers, one after the other, with names in order.
 * `basic.get` does not work, because a quorum queue treats each call as a consumer with a random name.
 */
export class QueueBrowser {
  readonly #channel: Channel;
  readonly #queue: string;
  readonly #ask: <T>(asked: Promise<T>) => Promise<T>;
  readonly #timeoutMs: number;
  readonly #window = new AckWindow();
  readonly #acks: Acknowledgements;
  #rounds = 0;
  /** Whether the last message had been delivered before: more such messages may follow. */
  #wasReturned = false;

  /** @param queue its name on the server */
  constructor(channel: Channel, queue: string, connection: Connection) {
    this.#channel = channel;
    this.#queue = queue;
    this.#timeoutMs = connection.timeoutMs;
    this.#ask = (asked) =>
      connection.withTimeout(asked).catch((error: unknown) => {
        throw declarationError(`queue ${queue}`, error, connection.address);
      });
    this.#acks = new Acknowledgements(channel);
    this.#acks.join(queue);
  }

  /** Takes the next ready messages, up to `limit`, at most `ROUND`. Once it resolves, no more arrive. */
  async next(limit: number): Promise<ConsumeMessage[]> {
    const most = Math.min(limit, ROUND);
    const messages: ConsumeMessage[] = [];
    let isCancelled = false;
    const consumerTag = `take-${String(this.#rounds++).padStart(6, '0')}`;
    const { messageCount: expected } = await this.#look();
    await this.#ask(this.#channel.prefetch(most));
    const hear = (message: ConsumeMessage | null): void => {
      if (message === null) isCancelled = true;
      else messages.push(message);
    };
    await this.#ask(this.#channel.consume(this.#queue, hear, { consumerTag }));
    let cameAt = performance.now();
    while (messages.length < most && !isCancelled) {
      const had = messages.length;
      const { messageCount } = await this.#look();
      const idleMs = performance.now() - cameAt;
      if (messages.length > had) cameAt = performance.now();
      else if (idleMs > this.#timeoutMs) break;
      else if (messageCount === 0 && (had >= expected || idleMs > LATE_MS)) break;
    }
    await this.#ask(this.#channel.cancel(consumerTag));
    this.#acks.proven(this.#queue);
    for (const { fields } of messages) this.#window.arrived(fields.deliveryTag);
    this.#wasReturned = messages.at(-1)?.fields.redelivered ?? false;
    return messages;
  }

  /** Removes messages from the queue. */
  async ack(messages: readonly Message[]): Promise<void> {
    const frames = this.#window.done(messages.map(({ fields }) => fields.deliveryTag));
    await this.#ask(this.#acks.sendSurely(frames));
  }

  /**
   * Takes the other messages that were delivered before, so that all of them return in order. It also proves that
   * acknowledgements were applied, because the queue answers after them.
   */
  async rest(): Promise<void> {
    for (let size = 1; this.#rounds < MOST_ROUNDS; size = Math.min(ROUND, 2 * size)) {
      const messages = await this.next(size);
      if (messages.length < size || !this.#wasReturned) return;
    }
  }

  /** Does the same as `rest`, if more messages may follow those that were taken. */
  async restOfReturned(): Promise<void> {
    if (this.#wasReturned) await this.rest();
  }

  #look(): Promise<{ messageCount: number }> {
    return this.#ask(Promise.resolve(this.#channel.checkQueue(this.#queue)));
  }
}
