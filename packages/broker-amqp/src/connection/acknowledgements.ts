import type { Channel, Message } from 'amqplib';

/** One acknowledgement as it is sent: of a tag, or of all that is open up to it. */
export interface AckFrame {
  readonly tag: number;
  readonly multiple: boolean;
}

const AT_ONCE = 25;

/**
 * The acknowledgements of one channel. RabbitMQ passes 33 of them on to a quorum queue; what comes before those are
 * applied stays with the channel, and is forgotten when it closes: those messages would be handed over again, settled or
 * not (3.10, `rabbit_fifo_client`). So before a channel closes the last ones are sent few at a time, with an answer
 * about the queue after each time. One that stands for many counts as one.
 */
export class Acknowledgements {
  readonly #channel: Channel;
  readonly #queue: string;
  /** Sent, and may still be with the channel. */
  #unproven = 0;

  /** @param queue what the server calls the queue that all its messages come from */
  constructor(channel: Channel, queue: string) {
    this.#channel = channel;
    this.#queue = queue;
  }

  get hasUnproven(): boolean {
    return this.#unproven > 0;
  }

  send(frames: readonly AckFrame[]): void {
    this.#unproven += frames.length;
    // The client reads nothing of a message but its tag.
    for (const { tag, multiple } of frames) {
      this.#channel.ack({ fields: { deliveryTag: tag } } as Message, multiple);
    }
  }

  /** The server has answered what stands behind them in the log of the queue. */
  proven(): void {
    this.#unproven = 0;
  }

  /** Resolves once the channel may be closed: the queue has got these, and all before. */
  async sendSurely(frames: readonly AckFrame[]): Promise<void> {
    await this.#prove();
    for (let from = 0; from < frames.length; from += AT_ONCE) {
      this.send(frames.slice(from, from + AT_ONCE));
      await this.#prove();
    }
  }

  async #prove(): Promise<void> {
    for (; this.#unproven > 0; this.#unproven = Math.max(0, this.#unproven - AT_ONCE)) {
      await this.#channel.checkQueue(this.#queue);
    }
  }
}
