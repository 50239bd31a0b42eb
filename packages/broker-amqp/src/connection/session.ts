import type { Channel, ConsumeMessage, Message } from 'amqplib';
import { AckWindow } from './ack-window.ts';
import { type AckFrame, Acknowledgements } from './acknowledgements.ts';
import type { Connection } from './connection.ts';

/** Acknowledgements that follow each other faster are sent together. */
const ACK_EVERY_MS = 1;
/** The same while the channel is about to close. It bounds the wait if the channel does not close after all. */
const GATHER_MS = 100;

/** AMQP 0-9-1 sends the prefetch as a number of 16 bits (basic.qos, `prefetch-count`). */
const MOST_PREFETCH = 65_535;

/**
 * A channel of consumers, from its opening to its close. A delivery tag is valid on its own channel only: on another it
 * would acknowledge another message. So each delivery keeps the session on which it came. A session may serve several
 * queues; `SessionPool` decides that.
 */
export class Session {
  readonly channel: Channel;
  readonly #acks: Acknowledgements;
  readonly #window = new AckWindow();
  readonly #onOver = new Set<() => void>();
  readonly #connection: Connection;
  /** Finished messages after which acknowledgements are sent without waiting for more. */
  #enough = 1;
  #prefetch = 1;
  /** Tags that are settled and not acknowledged yet. */
  #done: number[] = [];
  #sentAt = 0;
  #sending: NodeJS.Timeout | undefined;
  #open = true;
  #isRetired = false;
  /** Number of consumers that are about to close. */
  #gathering = 0;

  constructor(channel: Channel, connection: Connection) {
    this.channel = channel;
    this.#connection = connection;
    this.#acks = new Acknowledgements(channel);
    channel.on('close', () => {
      this.#open = false;
      clearTimeout(this.#sending);
      for (const listener of [...this.#onOver]) listener();
    });
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Calls `listener` when the channel is closed, with all messages that came on it. Returns a function that stops that. */
  onOver(listener: () => void): () => void {
    this.#onOver.add(listener);
    return () => this.#onOver.delete(listener);
  }

  /** Whether acknowledgements of messages of `queue` are on their way, or wait to be sent. */
  hasUnproven(queue: string): boolean {
    return this.#open && (this.#done.length > 0 || this.#acks.hasUnproven(queue));
  }

  /** Messages of `queue`, by its name on the server, may come on this session. */
  join(queue: string): void {
    this.#acks.join(queue);
  }

  /** Forgets a queue that was deleted. */
  leave(queue: string): void {
    this.#acks.leave(queue);
  }

  /**
   * Starts a consumer, and returns its tag.
   * @param prefetch messages that the server pushes ahead to this consumer
   */
  async consume(queue: string, prefetch: number, onMessage: (message: ConsumeMessage | null) => void): Promise<string> {
    this.#acks.join(queue, prefetch);
    this.#enough = Math.max(this.#enough, Math.ceil(prefetch / 2));
    this.#prefetch = prefetch;
    // Sent one after the other: the prefetch applies to the next consumer, and other queues start consumers on this
    // channel, too.
    const limited = this.channel.prefetch(Math.min(prefetch, MOST_PREFETCH));
    const [{ consumerTag }] = await Promise.all([this.channel.consume(queue, onMessage), limited]);
    return consumerTag;
  }

  arrived({ fields: { deliveryTag } }: Message): void {
    this.#window.arrived(deliveryTag);
  }

  /** Acknowledges messages. If the session is over it does nothing: the server delivers them again. */
  ack(tags: readonly number[]): void {
    if (!this.#open || tags.length === 0) return;
    for (const tag of tags) this.#done.push(tag);
    // The server answers each frame with a push of its own: acknowledged one by one, short tasks would be pushed one by one.
    if (this.#gathering > 0) this.#sending ??= setTimeout(() => this.#send(), GATHER_MS);
    else if (this.#done.length >= this.#enough || performance.now() - this.#sentAt >= ACK_EVERY_MS) this.#send();
    else this.#sending ??= setTimeout(() => this.#send(), ACK_EVERY_MS);
  }

  /**
   * Acknowledges messages of which copies were stored, and hands the frames to the operating system. A handler that then
   * blocks the thread until the connection breaks cannot make two messages of one.
   */
  ackNow(tags: readonly number[]): void {
    // Before the channel closes, no handler starts any more, and many frames at once would be forgotten.
    if (this.#gathering > 0) {
      this.ack(tags);
      return;
    }
    if (!this.#open || tags.length === 0) return;
    for (const tag of tags) this.#done.push(tag);
    this.#send();
    this.#connection.flush();
  }

  /**
   * Resolves once the queues have applied every acknowledgement that was sent. Until then the death of this process would
   * bring those messages back.
   * @throws BrokerUnavailableError if the server does not answer
   */
  async prove(): Promise<void> {
    if (this.#open) await this.#connection.withTimeout(this.#acks.prove());
  }

  /**
   * Sends acknowledgements together from now on: few frames for the messages that were held.
   * @returns a function that stops that, for a consumer that has closed
   */
  gather(): () => void {
    this.#gathering++;
    return () => {
      this.#gathering--;
    };
  }

  /** Resolves once the server has answered. @throws BrokerUnavailableError if it does not, or the channel is closed */
  async roundTrip(): Promise<void> {
    // A call that cannot be refused, and changes nothing: every consumer sets its own prefetch.
    await this.#connection.withTimeout(Promise.resolve(this.channel.prefetch(this.#prefetch)));
  }

  /** Closes the channel. The queues have taken all acknowledgements before. */
  async close(): Promise<void> {
    if (!this.#open) return;
    const frames = this.#frames();
    this.#open = false;
    // If it fails, the channel has ended before.
    await this.#acks.sendSurely(frames).catch(() => undefined);
    await this.channel.close().catch(() => undefined);
  }

  /** Closes the channel once all messages that came on it are settled; those that the server pushes until then go back. */
  retire(): void {
    this.#isRetired = true;
    this.#closeOnceDone();
  }

  /** Ends a consumer. The answer proves that its queue has taken every acknowledgement sent before. */
  async cancel(consumerTag: string, queue: string): Promise<void> {
    this.#send();
    await this.channel.cancel(consumerTag);
    this.#acks.proven(queue);
  }

  #send(): void {
    const frames = this.#frames();
    if (frames.length === 0) return;
    this.#sentAt = performance.now();
    try {
      this.#acks.send(frames);
    } catch {
      // The connection is closing: the server delivers the messages again.
    }
    this.#closeOnceDone();
  }

  #frames(): AckFrame[] {
    clearTimeout(this.#sending);
    this.#sending = undefined;
    return this.#window.done(this.#done.splice(0));
  }

  #closeOnceDone(): void {
    const isDone = this.#done.length === 0 && this.#window.isEmpty;
    if (this.#isRetired && this.#open && isDone) void this.close();
  }
}
