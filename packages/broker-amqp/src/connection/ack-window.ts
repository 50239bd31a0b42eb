import type { AckFrame } from './acknowledgements.ts';

/**
 * Delivery tags of one channel, as they are acknowledged: where all that was handed over up to one is done, a single
 * frame says so (`basic.ack` with `multiple`, AMQP 0-9-1). It remembers what is open, never what is done: beside one
 * message that runs for an hour, millions may come and go.
 */
export class AckWindow {
  /** Handed over and not acknowledged, lowest first: tags come in their order. */
  readonly #open = new Set<number>();

  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  arrived(tag: number): void {
    this.#open.add(tag);
  }

  /** What has to be said of those that are done now; each has to be sent, in this order. */
  done(tags: readonly number[]): AckFrame[] {
    // The server closes the channel of one who acknowledges a tag twice.
    const done = tags.filter((tag) => this.#open.delete(tag));
    const [lowest = Number.POSITIVE_INFINITY] = this.#open;
    const upTo = done.reduce((highest, tag) => (tag < lowest && tag > highest ? tag : highest), 0);
    const single = done.filter((tag) => tag > lowest).map((tag) => ({ tag, multiple: false }));
    return upTo > 0 ? [{ tag: upTo, multiple: true }, ...single] : single;
  }
}
