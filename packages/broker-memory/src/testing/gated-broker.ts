import type {
  Delivery,
  Envelope,
  PublishReceipt,
  SubscribeOptions,
  Subscription,
  WorkerDirectory,
} from '@brokkr/core/adapter';
import { MemoryBroker } from '../memory-broker.ts';
import type { MemoryBrokerOptions } from '../memory-broker-options.ts';
import { MemoryServer } from '../memory-server.ts';

/**
 * A memory broker with a gate. While the gate is shut, consumers receive no messages. It also keeps every envelope that
 * was sent. `testApp` uses it to run workers only during `drain` and `advance`.
 */
export class GatedBroker extends MemoryBroker {
  override readonly workers: Required<WorkerDirectory>;
  readonly sent: Envelope[] = [];
  #isOpen = false;
  #opened: (() => void)[] = [];
  #closing = new AbortController();

  constructor(options: MemoryBrokerOptions) {
    const server = new MemoryServer(options);
    super(options, server);
    this.workers = withoutTimers(server.workers);
  }

  open(): void {
    this.#isOpen = true;
    this.#closing = new AbortController();
    for (const resolve of this.#opened.splice(0)) resolve();
  }

  /** Shuts the gate: consumers receive no further messages. They keep the deliveries that they have. */
  shut(): void {
    this.#isOpen = false;
    this.#closing.abort();
  }

  override async publish(envelopes: readonly Envelope[]): Promise<readonly PublishReceipt[]> {
    const receipts = await super.publish(envelopes);
    for (const [index, envelope] of envelopes.entries()) {
      const { id = '', isNew = false, isReplacement = false } = receipts[index] ?? {};
      if (isNew) this.sent.push(envelope);
      const replaced = isReplacement ? this.sent.findIndex((sent) => sent.id === id) : -1;
      if (replaced >= 0) this.sent[replaced] = { ...envelope, id };
    }
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
      // Nothing was received because the gate was shut during the wait. The caller has not aborted: wait for the gate.
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

/** Reports are kept forever, and only changes are reported: a report every few seconds would slow virtual years down. */
function withoutTimers(workers: Required<WorkerDirectory>): Required<WorkerDirectory> {
  return {
    report: async (report) => {
      await workers.report(report, Number.POSITIVE_INFINITY);
      return { nextMs: Number.POSITIVE_INFINITY };
    },
    retire: (id) => workers.retire(id),
    reports: () => workers.reports(),
    release: (id) => workers.release(id),
  };
}
