import type { Channel, ConsumeMessage, Message } from 'amqplib';
import { AckWindow } from '../connection/ack-window.ts';
import { declarationError } from '../connection/amqp-errors.ts';
import type { Connection } from '../connection/connection.ts';
import { Acknowledgements } from '../connection/acknowledgements.ts';

/** Messages that one consumer takes at most: the server reads them into its memory all at once. */
export const ROUND = 500;
/** Where a queue holds messages of more consumers, they come back in another order (measured on 3.10). */
const MOST_ROUNDS = 30;
/** What the server counts as handed over may come a moment later, over another node. */
const LATE_MS = 250;

/**
 * What one channel takes of a queue, oldest first. What is not acknowledged is back when the channel closes: in front of
 * what was never handed out, behind what was, in the order of its consumers and within each as it came. So consumers it
 * is, one after the other and named in order: a quorum queue takes each `basic.get` for a consumer, named by chance.
 */
export class QueueBrowser {
  readonly #channel: Channel;
  readonly #queue: string;
  readonly #ask: <T>(asked: Promise<T>) => Promise<T>;
  readonly #timeoutMs: number;
  readonly #window = new AckWindow();
  readonly #acks: Acknowledgements;
  #rounds = 0;
  /** Of the last message that came: it had been handed out before, and more of those may be behind it. */
  #wasReturned = false;

  /** @param queue what the server calls it */
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

  /** The next that are ready, up to `limit`, at most `ROUND`. When it resolves nothing more comes. */
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

  /** Removes them from the queue. */
  async ack(messages: readonly Message[]): Promise<void> {
    const frames = this.#window.done(messages.map(({ fields }) => fields.deliveryTag));
    await this.#ask(this.#acks.sendSurely(frames));
  }

  /**
   * Takes what else was handed out before, so that all of it goes back in its order. It is also what proves that
   * acknowledgements were taken: the queue answers behind them.
   */
  async rest(): Promise<void> {
    for (let size = 1; this.#rounds < MOST_ROUNDS; size = Math.min(ROUND, 2 * size)) {
      const messages = await this.next(size);
      if (messages.length < size || !this.#wasReturned) return;
    }
  }

  /** As `rest`, where something may be behind what was taken. */
  async restOfReturned(): Promise<void> {
    if (this.#wasReturned) await this.rest();
  }

  #look(): Promise<{ messageCount: number }> {
    return this.#ask(Promise.resolve(this.#channel.checkQueue(this.#queue)));
  }
}
