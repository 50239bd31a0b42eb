/**
 * Delivery tags of one channel, as they are acknowledged: where all tags up to one are done, a single frame says so.
 * (`basic.ack` with `multiple`, AMQP 0-9-1.)
 */
export class AckWindow {
  /** The lowest tag that is not acknowledged. */
  #low = 1;
  /** Acknowledged tags above it. */
  readonly #above = new Set<number>();
  readonly #send: (tag: number, multiple: boolean) => void;

  constructor(send: (tag: number, multiple: boolean) => void) {
    this.#send = send;
  }

  ack(tags: readonly number[]): void {
    for (const tag of tags) this.#above.add(tag);
    while (this.#above.delete(this.#low)) this.#low++;
    // The last of these tags below the mark stands for all: the server knows no tag twice, not even in a range.
    const upTo = tags.reduce((highest, tag) => (tag < this.#low && tag > highest ? tag : highest), 0);
    if (upTo > 0) this.#send(upTo, true);
    for (const tag of tags) if (tag >= this.#low) this.#send(tag, false);
  }
}
