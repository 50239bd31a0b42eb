import type { Delivery, Envelope, PublishReceipt, SubscribeOptions, Subscription } from '@brokkr/core/adapter';
import { MemoryBroker } from '../memory-broker.ts';

/**
 * A memory broker that hands nothing over while its gate is closed, and remembers what was sent: so a test decides
 * when its workers work, and sees what they were given to do.
 */
export class GatedBroker extends MemoryBroker {
  readonly sent: Envelope[] = [];
  #isOpen = false;
  #opened: (() => void)[] = [];
  #closing = new AbortController();

  open(): void {
    this.#isOpen = true;
    this.#closing = new AbortController();
    for (const resolve of this.#opened.splice(0)) resolve();
  }

  /** Its consumers wait for the gate again; what they hold they keep. */
  shut(): void {
    this.#isOpen = false;
    this.#closing.abort();
  }

  override async publish(envelopes: readonly Envelope[]): Promise<readonly PublishReceipt[]> {
    const receipts = await super.publish(envelopes);
    this.sent.push(...envelopes.filter((_, index) => receipts[index]?.isNew));
    return receipts;
  }

  override async subscribe(queue: string, options: SubscribeOptions): Promise<Subscription> {
    const subscription = await super.subscribe(queue, options);
    return {
      receive: (limit, { signal, wait }) => this.#receive(subscription, limit, signal, wait),
      settle: (settlements) => subscription.settle(settlements),
      extend: (deliveries) => subscription.extend(deliveries),
      close: () => subscription.close(),
    };
  }

  async #receive(
    subscription: Subscription,
    limit: number,
    signal: AbortSignal,
    wait: boolean,
  ): Promise<readonly Delivery[]> {
    for (;;) {
      if (!this.#isOpen) {
        if (!wait) return [];
        await this.#opening(signal);
      }
      if (signal.aborted) return [];
      const waiting = AbortSignal.any([signal, this.#closing.signal]);
      const deliveries = await subscription.receive(limit, { signal: waiting, wait });
      // Where the gate was shut meanwhile, it waits for that to open: it has not been told to end.
      if (deliveries.length > 0 || !wait || !this.#closing.signal.aborted) return deliveries;
    }
  }

  #opening(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      signal.addEventListener('abort', done);
      if (signal.aborted) done();
      else this.#opened.push(done);
    });
  }
}
