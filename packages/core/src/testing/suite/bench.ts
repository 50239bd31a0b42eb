import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Broker, BrokerParts, SubscribeOptions, Subscription } from '../../broker/broker.ts';
import type { Delivery } from '../../broker/delivery.ts';
import type { Envelope } from '../../broker/envelope.ts';
import type { LimitStore } from '../../broker/limit-store.ts';
import type { Settlement } from '../../broker/settlement.ts';
import type { Clock } from '../../clock/clock.ts';
import { systemClock } from '../../clock/system-clock.ts';
import { openBroker } from '../../config/lazy-broker.ts';
import { SHORTEST_LEASE_MS } from '../../config/task-config.ts';
import { ManualClock } from '../manual-clock.ts';
import type { BrokerSuiteOptions } from './options.ts';

/** Thrown by a case that has nothing to check on this broker. */
export class NotApplicable extends Error {}

/** Slack for a machine that is busy, added to every bound in real time. */
const SLACK_MS = 1_500;
const REAPER_MS = 5_000;

/** The environment of a case: a broker, a queue that no other case uses, and a clock that the case can move. */
export class TestBench {
  readonly queue = `q${randomUUID().slice(0, 8)}`;
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly isVirtual: boolean;
  readonly options: BrokerSuiteOptions;
  readonly #namespace = `t${randomUUID().slice(0, 8)}`;
  readonly #manual: ManualClock | undefined;
  readonly #brokers: Broker[] = [];
  readonly #cleanUps: (() => Promise<unknown>)[] = [];
  #broker: Broker | undefined;
  #store: Promise<Broker> | undefined;

  constructor(options: BrokerSuiteOptions) {
    this.options = options;
    this.isVirtual = options.time === 'virtual';
    this.#manual = this.isVirtual ? new ManualClock() : undefined;
    this.clock = this.#manual ?? systemClock;
    this.leaseMs = options.leaseMs ?? (this.isVirtual ? 30_000 : 600);
  }

  /**
   * Whether two brokers of this bench see the same messages, as two processes do. A broker that is not persistent keeps
   * its messages in one process.
   */
  get isShared(): boolean {
    return this.broker.capabilities.persistent;
  }

  get broker(): Broker {
    if (this.#broker === undefined) throw new Error('the bench is not set up');
    return this.#broker;
  }

  async setUp(): Promise<this> {
    this.#broker = await this.openAnother();
    return this;
  }

  /** A second broker on the same server and namespace, as another process would have. */
  openAnother(namespace = this.#namespace): Promise<Broker> {
    return this.#open(this.options.open, namespace);
  }

  async #open(open: BrokerSuiteOptions['open'], namespace = this.#namespace): Promise<Broker> {
    const { leaseMs, clock } = this;
    const broker = await openBroker(await open({ leaseMs, namespace, clock }));
    this.#brokers.push(broker);
    return broker;
  }

  /** Lease of a worker, in milliseconds: at least the shortest that the settings allow. */
  get workerLeaseMs(): number {
    return Math.max(this.leaseMs, SHORTEST_LEASE_MS);
  }

  onTearDown(cleanUp: () => Promise<unknown>): void {
    this.#cleanUps.push(cleanUp);
  }

  async tearDown(): Promise<void> {
    for (const cleanUp of this.#cleanUps.toReversed()) await cleanUp();
    for (const broker of this.#brokers) await broker.close();
  }

  /** A part of the broker. If the broker leaves the part out, the case does not apply, and ends. */
  part<P extends keyof BrokerParts>(part: P, broker = this.broker): NonNullable<BrokerParts[P]> {
    const found = broker[part];
    if (found === undefined) throw new NotApplicable(`the broker has no part \`${part}\``);
    return found as NonNullable<BrokerParts[P]>;
  }

  /** The limits of the broker, or of the store beside it. Ends the case if neither the broker nor the store has limits. */
  async limits(): Promise<LimitStore> {
    const { openStore } = this.options;
    if (this.broker.limits !== undefined || openStore === undefined) return this.part('limits');
    this.#store ??= this.#open(openStore);
    return this.part('limits', await this.#store);
  }

  needs(condition: boolean, reason: string): void {
    if (!condition) throw new NotApplicable(reason);
  }

  async subscribe(queue = this.queue, options: SubscribeOptions = {}, broker = this.broker): Promise<Subscription> {
    const subscription = await broker.subscribe(queue, { leaseMs: this.leaseMs, prefetch: 10, ...options });
    this.onTearDown(() => subscription.close());
    return subscription;
  }

  envelope(given: Partial<Envelope> = {}): Envelope {
    return {
      id: randomUUID(),
      queue: this.queue,
      body: Buffer.from('[]'),
      headers: { 'brokkr-task': 'none' },
      ...given,
    };
  }

  /** Publishes `count` envelopes whose bodies are their numbers. @returns their ids, in order */
  async publish(count: number, given: Partial<Envelope> = {}): Promise<string[]> {
    const envelopes = Array.from({ length: count }, (_, index) =>
      this.envelope({ body: Buffer.from(`[${index}]`), ...given }),
    );
    await this.broker.publish(envelopes);
    return envelopes.map(({ id }) => id);
  }

  /** Receives the messages that are ready now. */
  now(subscription: Subscription, limit = 100): Promise<readonly Delivery[]> {
    return subscription.receive(limit, { signal: new AbortController().signal, wait: false });
  }

  /** Receives exactly `count` deliveries, and waits for them up to `boundMs`. */
  async take(subscription: Subscription, count: number, boundMs = 2_000): Promise<Delivery[]> {
    const taken: Delivery[] = [];
    await this.until(
      async () => {
        if (taken.length < count) taken.push(...(await this.now(subscription, count - taken.length)));
        return taken.length >= count;
      },
      boundMs,
      () => `${taken.length} of ${count} messages were delivered`,
    );
    return taken;
  }

  async takeOne(subscription: Subscription, boundMs?: number): Promise<Delivery> {
    const [delivery] = await this.take(subscription, 1, boundMs);
    return delivery as Delivery;
  }

  /** Settles, and asserts that every lease was live. */
  async settle(subscription: Subscription, ...settlements: Settlement[]): Promise<void> {
    const lost = await subscription.settle(settlements);
    assert.deepEqual(
      lost.map(({ envelope }) => envelope.id),
      [],
      'these leases must be live',
    );
  }

  /** Asserts that no message is delivered now, nor within `forMs` more. */
  async nothing(subscription: Subscription, forMs = 0): Promise<void> {
    assert.deepEqual(ids(await this.now(subscription)), [], 'no message may be delivered');
    if (forMs === 0) return;
    await this.pass(forMs);
    assert.deepEqual(ids(await this.now(subscription)), [], `no message may be delivered for ${forMs} ms`);
  }

  /** Longest time until the message of a dead worker is delivered again. */
  get recoveryMs(): number {
    return this.leaseMs + 1.2 * REAPER_MS + 500;
  }

  /** Lets time pass: moves the clock, or waits for the real time of the server. */
  async pass(ms: number): Promise<void> {
    if (this.#manual !== undefined) await this.#manual.advance(ms);
    else await new Promise((resolve) => setTimeout(resolve, ms));
  }

  /** Waits until `condition` holds, for at most `boundMs`. */
  async until(condition: () => boolean | Promise<boolean>, boundMs: number, otherwise: () => string): Promise<void> {
    const giveUpAt = performance.now() + boundMs + SLACK_MS;
    const step = this.isVirtual ? Math.max(1, boundMs / 100) : 5;
    for (let passed = 0; ; passed += step) {
      if (await condition()) return;
      if (this.isVirtual ? passed > boundMs : performance.now() > giveUpAt)
        assert.fail(`${otherwise()} within ${boundMs} ms`);
      await this.pass(step);
    }
  }
}

export function ids(deliveries: readonly Delivery[]): string[] {
  return deliveries.map(({ envelope }) => envelope.id);
}

export function ack(delivery: Delivery): Settlement {
  return { kind: 'ack', delivery };
}

export function release(delivery: Delivery): Settlement {
  return { kind: 'release', delivery };
}
