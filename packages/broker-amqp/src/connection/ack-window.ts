import type { AckFrame } from './acknowledgements.ts';

/**
 * Delivery tags of one channel. If all deliveries up to a tag are settled, a single frame acknowledges them
 * (`basic.ack` with `multiple`, AMQP 0-9-1). It remembers open tags and never settled ones: during one message that
 * runs for an hour, millions of others may be settled.
 */
export class AckWindow {
  /** Delivered and not acknowledged, lowest first: tags arrive in order. */
  readonly #open = new Set<number>();

  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  arrived(tag: number): void {
    this.#open.add(tag);
  }

  /** Settles tags. @returns the frames to send, in this order */
  done(tags: readonly number[]): AckFrame[] {
    // The server closes the channel of a client that acknowledges a tag twice.
    const done = tags.filter((tag) => this.#open.delete(tag));
    const [lowest = Number.POSITIVE_INFINITY] = this.#open;
    const upTo = done.reduce((highest, tag) => (tag < lowest && tag > highest ? tag : highest), 0);
    const single = done.filter((tag) => tag > lowest).map((tag) => ({ tag, multiple: false }));
    return upTo > 0 ? [{ tag: upTo, multiple: true }, ...single] : single;
  }
}
