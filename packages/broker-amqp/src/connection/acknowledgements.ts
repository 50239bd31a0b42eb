import type { Channel, Message } from 'amqplib';

/** One acknowledgement as it is sent: of a tag, or of all that is open up to it. */
export interface AckFrame {
  readonly tag: number;
  readonly multiple: boolean;
}

const AT_ONCE = 25;

/**
 * The acknowledgements of one channel. For each quorum queue, RabbitMQ passes on 33 of them at a time. The next ones stay
 * with the channel until those are applied. If the channel closes first, it forgets them, and the messages are delivered
 * again although they were settled (3.10, `rabbit_fifo_client`). So before a channel closes, the last acknowledgements are
 * sent few at a time, and each time the queues are asked for an answer. A frame for many tags counts as one.
 */
export class Acknowledgements {
  readonly #channel: Channel;
  /** For each queue of the channel, by its name on the server: frames that may still be with the channel. */
  readonly #unproven = new Map<string, number>();
  /** For each consumed queue: most messages that it delivers before it has applied acknowledgements. */
  readonly #most = new Map<string, number>();
  #proving: Promise<void> | undefined;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /**
   * Messages of this queue may be acknowledged from now on.
   * @param prefetch if it is consumed: more acknowledgements than this cannot be on their way
   */
  join(queue: string, prefetch = Number.POSITIVE_INFINITY): void {
    this.#most.set(queue, prefetch);
    if (!this.#unproven.has(queue)) this.#unproven.set(queue, 0);
  }

  /** Forgets a queue that was deleted. */
  leave(queue: string): void {
    this.#unproven.delete(queue);
    this.#most.delete(queue);
  }

  hasUnproven(queue: string): boolean {
    return (this.#unproven.get(queue) ?? 0) > 0;
  }

  send(frames: readonly AckFrame[]): void {
    if (frames.length === 0) return;
    // A frame for many tags may acknowledge messages of any queue of the channel.
    for (const [queue, frameCount] of this.#unproven) {
      this.#unproven.set(queue, Math.min(frameCount + frames.length, this.#most.get(queue) as number));
    }
    // The client reads only the tag of a message.
    for (const { tag, multiple } of frames) {
      this.#channel.ack({ fields: { deliveryTag: tag } } as Message, multiple);
    }
  }

  /** The server has answered a call for this queue that it logged after the acknowledgements. */
  proven(queue: string): void {
    if (this.#unproven.has(queue)) this.#unproven.set(queue, 0);
  }

  /** Resolves once the channel may be closed: its queues have these acknowledgements, and all before. */
  async sendSurely(frames: readonly AckFrame[]): Promise<void> {
    await this.prove();
    for (let from = 0; from < frames.length; from += AT_ONCE) {
      this.send(frames.slice(from, from + AT_ONCE));
      await this.prove();
    }
  }

  /** Resolves once the queues of this channel have applied every acknowledgement. Rejects if the channel closes. */
  prove(): Promise<void> {
    this.#proving ??= this.#prove().finally(() => {
      this.#proving = undefined;
    });
    return this.#proving;
  }

  async #prove(): Promise<void> {
    for (;;) {
      const open = [...this.#unproven].filter(([, frameCount]) => frameCount > 0);
      if (open.length === 0) return;
      await Promise.all(open.map(([queue]) => this.#channel.checkQueue(queue)));
      for (const [queue, frameCount] of open) {
        const now = this.#unproven.get(queue);
        // More may have been sent since the question.
        if (now !== undefined) this.#unproven.set(queue, now - Math.min(now, frameCount, AT_ONCE));
      }
    }
  }
}
