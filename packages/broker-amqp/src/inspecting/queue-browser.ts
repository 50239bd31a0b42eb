import type { Channel, ConsumeMessage, Message } from 'amqplib';
import { AckWindow } from '../connection/ack-window.ts';
import { declarationError } from '../connection/amqp-errors.ts';
import type { Connection } from '../connection/connection.ts';
import { Acknowledgements } from '../connection/acknowledgements.ts';

/** Messages that one consumer takes, unless there are too many for the rounds: the server loads them all at once. */
export const ROUND = 500;
/** The same for messages that are not looked at, and only return in their order. */
const REST_ROUND = 2_000;
/** Rounds of a look, and of a look with the rest. RabbitMQ 3.10 keeps the order of up to 32 consumers of a queue. */
const LOOK_ROUNDS = 16;
const MOST_ROUNDS = 30;
/** On another node, messages that the server counts as delivered may arrive a moment later. */
const LATE_MS = 250;

/**
 * Takes messages of a queue on one channel, oldest first. Messages that are not acknowledged return when the channel
 * closes: in front of messages that were never delivered, behind those that were, consumer by consumer, and in their order
 * within each. So it uses consumers, one after the other, named in order. It does not use `basic.get`: a quorum queue
 * treats each get as a consumer with a random name.
 */
export class QueueBrowser {
  readonly #channel: Channel;
  readonly #queue: string;
  readonly #ask: <T>(asked: Promise<T>) => Promise<T>;
  readonly #timeoutMs: number;
  readonly #window = new AckWindow();
  readonly #acks: Acknowledgements;
  #rounds = 0;
  /** Rounds since no message was held: at most so many consumers hold messages. */
  #holding = 0;
  /** Whether the last message was delivered before: more messages that were may be behind it. */
  #wasRedelivered = false;

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

  /**
   * Takes the next ready messages, up to `limit`: at most 500 of them, or more if `limit` needs too many rounds. No message
   * arrives after it has resolved.
   */
  next(limit: number): Promise<ConsumeMessage[]> {
    const rounds = Math.max(1, LOOK_ROUNDS - this.#holding);
    return this.#take(Math.min(limit, Math.max(ROUND, Math.ceil(limit / rounds))));
  }

  /** Removes messages from the queue. */
  async ack(messages: readonly Message[]): Promise<void> {
    const frames = this.#window.done(messages.map(({ fields }) => fields.deliveryTag));
    if (this.#window.isEmpty) this.#holding = 0;
    await this.#ask(this.#acks.sendSurely(frames));
  }

  /**
   * Takes the remaining messages that were delivered before, so that all of them return in their order. It also proves
   * that the queue has taken every acknowledgement: the queue answers after it.
   */
  async rest(): Promise<void> {
    let size = 1;
    do {
      const messages = await this.#take(size);
      if (messages.length < size || !this.#wasRedelivered) return;
      size = Math.min(REST_ROUND, 2 * size);
    } while (this.#holding < MOST_ROUNDS);
  }

  /** As `rest`, but does nothing if the last message was never delivered before. */
  async restOfRedelivered(): Promise<void> {
    if (this.#wasRedelivered) await this.rest();
  }

  async #take(most: number): Promise<ConsumeMessage[]> {
    const messages: ConsumeMessage[] = [];
    let isCancelled = false;
    this.#holding++;
    const consumerTag = `take-${String(this.#rounds++).padStart(6, '0')}`;
    const { messageCount: expected } = await this.#look();
    await this.#ask(this.#channel.prefetch(most));
    const onMessage = (message: ConsumeMessage | null): void => {
      if (message === null) isCancelled = true;
      else messages.push(message);
    };
    await this.#ask(this.#channel.consume(this.#queue, onMessage, { consumerTag }));
    let arrivedAt = performance.now();
    while (messages.length < most && !isCancelled) {
      const had = messages.length;
      const { messageCount } = await this.#look();
      const idleMs = performance.now() - arrivedAt;
      if (messages.length > had) arrivedAt = performance.now();
      else if (idleMs > this.#timeoutMs) break;
      else if (messageCount === 0 && (had >= expected || idleMs > LATE_MS)) break;
    }
    await this.#ask(this.#channel.cancel(consumerTag));
    this.#acks.proven(this.#queue);
    for (const { fields } of messages) this.#window.arrived(fields.deliveryTag);
    this.#wasRedelivered = messages.at(-1)?.fields.redelivered ?? false;
    return messages;
  }

  #look(): Promise<{ messageCount: number }> {
    return this.#ask(Promise.resolve(this.#channel.checkQueue(this.#queue)));
  }
}
