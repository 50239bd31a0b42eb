import type { Subscription } from '../broker/broker.ts';
import type { Delivery } from '../broker/delivery.ts';
import type { Settlement } from '../broker/settlement.ts';
import type { BrokerCalls, ReceiveListener } from './broker-calls.ts';

/** A subscription whose calls are timed while `BrokerCalls` is on. */
export class TimedSubscription implements Subscription {
  readonly #queue: string;
  readonly #inner: Subscription;
  readonly #calls: BrokerCalls;
  readonly #receiving: ReceiveListener;
  /** Left out where the broker leaves it out, as `guard` is. */
  readonly mayHaveMessages?: (signal: AbortSignal) => Promise<boolean>;
  readonly guard?: (delivery: Delivery, until: number) => void;
  readonly holds?: (delivery: Delivery) => boolean;

  constructor(queue: string, inner: Subscription, calls: BrokerCalls) {
    this.#queue = queue;
    this.#inner = inner;
    this.#calls = calls;
    this.#receiving = calls.receivesOf(queue);
    if (inner.mayHaveMessages !== undefined) this.mayHaveMessages = inner.mayHaveMessages.bind(inner);
    if (inner.guard !== undefined) this.guard = inner.guard.bind(inner);
    if (inner.holds !== undefined) this.holds = inner.holds.bind(inner);
  }

  receive(limit: number, options: Parameters<Subscription['receive']>[1]): Promise<readonly Delivery[]> {
    return this.#calls.isOn ? this.#receive(limit, options) : this.#inner.receive(limit, options);
  }

  settle(settlements: readonly Settlement[]): Promise<readonly Delivery[]> {
    if (!this.#calls.isOn) return this.#inner.settle(settlements);
    return this.#timed('settle', settlements.length, () => this.#inner.settle(settlements));
  }

  extend(deliveries: readonly Delivery[]): Promise<readonly Delivery[]> {
    if (!this.#calls.isOn) return this.#inner.extend(deliveries);
    return this.#timed('extend', deliveries.length, () => this.#inner.extend(deliveries));
  }

  close(): Promise<void> {
    this.#receiving.closed();
    return this.#inner.close();
  }

  async #receive(limit: number, options: Parameters<Subscription['receive']>[1]): Promise<readonly Delivery[]> {
    const beganAt = this.#calls.now();
    this.#receiving.began(beganAt);
    try {
      const deliveries = await this.#inner.receive(limit, options);
      this.#receiving.ended(beganAt, false);
      // Without messages it may have ended because it was aborted: then the broker has not answered.
      if (deliveries.length > 0) this.#calls.timed('receive', this.#queue, beganAt, deliveries.length);
      return deliveries;
    } catch (thrown) {
      this.#receiving.ended(beganAt, true);
      this.#calls.timed('receive', this.#queue, beganAt, 0, { thrown });
      throw thrown;
    }
  }

  async #timed<T>(operation: 'settle' | 'extend', messages: number, call: () => Promise<T>): Promise<T> {
    const beganAt = this.#calls.asked();
    try {
      const answer = await call();
      this.#calls.timed(operation, this.#queue, beganAt, messages);
      return answer;
    } catch (thrown) {
      this.#calls.timed(operation, this.#queue, beganAt, messages, { thrown });
      throw thrown;
    }
  }
}
