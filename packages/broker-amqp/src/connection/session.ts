import type { Channel, Message } from 'amqplib';
import { AckWindow } from './ack-window.ts';
import { type AckFrame, Acknowledgements } from './acknowledgements.ts';

/** Acknowledgements that follow each other faster are sent together. */
const ACK_EVERY_MS = 1;
/** Before a channel closes; not longer, should it never come to its close. */
const GATHER_MS = 100;

/**
 * One life of a channel. A delivery tag means something on its own channel only: on another it would acknowledge
 * somebody else's message. So whoever holds a tag holds the session it came on.
 */
export class Session {
  readonly channel: Channel;
  readonly #acks: Acknowledgements;
  readonly #window = new AckWindow();
  readonly #enough: number;
  /** Done, and not told to the server yet. */
  #done: number[] = [];
  #toldAt = 0;
  #telling: NodeJS.Timeout | undefined;
  #open = true;
  #isRetired = false;
  #isGathering = false;

  /**
   * @param queue what the server calls it
   * @param prefetch what the server pushes ahead: once half of it is done, it is told at once
   */
  constructor(channel: Channel, queue: string, prefetch = 1) {
    this.channel = channel;
    this.#acks = new Acknowledgements(channel, queue);
    this.#enough = Math.ceil(prefetch / 2);
    channel.on('close', () => {
      this.#open = false;
      clearTimeout(this.#telling);
    });
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Acknowledgements are on their way, or wait to be sent. */
  get hasUnproven(): boolean {
    return this.#open && (this.#done.length > 0 || this.#acks.hasUnproven);
  }

  arrived({ fields: { deliveryTag } }: Message): void {
    this.#window.arrived(deliveryTag);
  }

  /** Of a session that is over, nothing: the server hands those messages over again. */
  ack(tags: readonly number[]): void {
    if (!this.#open || tags.length === 0) return;
    for (const tag of tags) this.#done.push(tag);
    // The server answers each frame with a push of its own: told one by one, short tasks would be pushed one by one.
    if (this.#isGathering) this.#telling ??= setTimeout(() => this.#tell(), GATHER_MS);
    else if (this.#done.length >= this.#enough || performance.now() - this.#toldAt >= ACK_EVERY_MS) this.#tell();
    else this.#telling ??= setTimeout(() => this.#tell(), ACK_EVERY_MS);
  }

  /** From now on, until it closes, acknowledgements are told together: few frames for what was held. */
  gather(): void {
    this.#isGathering = true;
  }

  /** Closes the channel; acknowledgements before it are taken by the server first. */
  async close(): Promise<void> {
    if (!this.#open) return;
    const frames = this.#frames();
    this.#open = false;
    // Where it fails, the channel has ended before.
    await this.#acks.sendSurely(frames).catch(() => undefined);
    await this.channel.close().catch(() => undefined);
  }

  /** Closes once all that came on it is settled: what the server thinks is on its way here goes back to the queue. */
  retire(): void {
    this.#isRetired = true;
    this.#closeOnceDone();
  }

  /** Sends what is done and not told yet. */
  #tell(): void {
    const frames = this.#frames();
    if (frames.length === 0) return;
    this.#toldAt = performance.now();
    try {
      this.#acks.send(frames);
    } catch {
      // The connection is closing: the server hands them over again.
    }
    this.#closeOnceDone();
  }

  /** Ends a consumer of this channel. The queue answers once it has taken every acknowledgement from before. */
  async cancel(consumerTag: string): Promise<void> {
    this.#tell();
    await this.channel.cancel(consumerTag);
    this.#acks.proven();
  }

  #frames(): AckFrame[] {
    clearTimeout(this.#telling);
    this.#telling = undefined;
    return this.#window.done(this.#done.splice(0));
  }

  #closeOnceDone(): void {
    const isDone = this.#done.length === 0 && this.#window.isEmpty;
    if (this.#isRetired && this.#open && isDone) void this.close();
  }
}
