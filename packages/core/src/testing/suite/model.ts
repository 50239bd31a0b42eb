import assert from 'node:assert/strict';
import type { Subscription } from '../../broker/broker.ts';
import { deadLetterEnvelope } from '../../broker/dead-letter.ts';
import type { Delivery } from '../../broker/delivery.ts';
import type { Settlement } from '../../broker/settlement.ts';
import { TestBench } from './bench.ts';
import { imbalance } from './part-inspector-counts.ts';
import type { Group } from './group.ts';

const WORKERS = 3;
/** Number of random runs, and the most steps of one: against a real server each step is a few round trips. */
const VIRTUAL = { runs: 150, steps: 60 };
const REAL = { runs: 12, steps: 25 };
/** Lease of a run in real time: longer than the run, because the model cannot know when the server ends one. */
const REAL_LEASE_MS = 60_000;

/** One step of a run. `at` selects one of the existing messages. */
type Step =
  | { readonly do: 'publish' | 'delayed' | 'advance' | 'redrive' | 'discard' | 'purge'; readonly at: number }
  | { readonly do: 'receive' | 'extend' | 'crash' | Settlement['kind']; readonly at: number; readonly worker: number };

/** A message in the model; `endsAt` is when its delay ends, or the lease of the delivery with `fence`. */
interface Modelled {
  state: 'ready' | 'delayed' | 'held' | 'dead' | 'gone';
  fence: number;
  crashes: number;
  worker: number;
  endsAt: number;
}

/**
 * The contract as a state machine of plain maps. Random steps run on it and on the broker: after each step the broker
 * must return what the model returns, and no message may be lost. In real time, the steps that depend on the end of a
 * lease or a delay are left out, and one worker receives all messages, because a server may push some to each consumer.
 */
export const model: Group = {
  name: 'any sequence of operations',
  cases(it) {
    it('keeps every message in one place, in random runs', async (outer) => {
      outer.part('inspector');
      const { runs, steps: longest } = outer.isVirtual ? VIRTUAL : REAL;
      const fc = await import('fast-check').catch((cause: unknown) => {
        throw new Error('the model test needs fast-check; install it: npm install --save-dev fast-check', { cause });
      });
      const at = fc.nat(30);
      const worker = fc.nat(outer.isVirtual ? WORKERS - 1 : 0);
      const own = (kind: Extract<Step, { worker: number }>['do'], weight: number) => ({
        weight,
        arbitrary: fc.record({ do: fc.constant(kind), at, worker }),
      });
      const shared = (kind: Exclude<Step, { worker: number }>['do'], weight: number) => ({
        weight,
        arbitrary: fc.record({ do: fc.constant(kind), at }),
      });
      const step: ReturnType<typeof fc.oneof> = fc.oneof(
        shared('publish', 5),
        ...(outer.isVirtual ? [shared('delayed', 2), shared('advance', 4), own('extend', 2), own('crash', 1)] : []),
        shared('redrive', 1),
        shared('discard', 1),
        shared('purge', 1),
        own('receive', 6),
        own('ack', 3),
        own('release', 2),
        own('retry', 2),
        own('dead-letter', 2),
        own('expire', 1),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: longest }), async (steps) => {
          const bench = await new TestBench(outer.options).setUp();
          try {
            const machine = await Machine.open(bench);
            for (const each of steps as Step[]) await machine.run(each);
            await machine.drain();
          } finally {
            await bench.tearDown();
          }
        }),
        // A shrunk run needs a new queue each time: on a real server the first failure is enough.
        { numRuns: runs, endOnFailure: !outer.isVirtual },
      );
    }, 60_000);
  },
};

class Machine {
  readonly #bench: TestBench;
  readonly #subscriptions: Subscription[];
  readonly #messages = new Map<string, Modelled>();
  /** Every delivery that each worker has received, live or stale. */
  readonly #deliveries: Delivery[][] = Array.from({ length: WORKERS }, () => []);

  private constructor(bench: TestBench, subscriptions: Subscription[]) {
    this.#bench = bench;
    this.#subscriptions = subscriptions;
  }

  static async open(bench: TestBench): Promise<Machine> {
    const open = () => bench.subscribe(bench.queue, bench.isVirtual ? {} : { leaseMs: REAL_LEASE_MS });
    return new Machine(bench, await Promise.all(Array.from({ length: bench.isVirtual ? WORKERS : 1 }, open)));
  }

  async run(step: Step): Promise<void> {
    this.#lapse();
    await this.#do(step);
    await this.#check(step);
  }

  /** Asserts that every message that has not ended can still be received. */
  async drain(): Promise<void> {
    if (!this.#bench.isVirtual) await this.#releaseAll();
    if (this.#bench.isVirtual) await this.#bench.pass(this.#bench.leaseMs * 3);
    this.#lapse();
    const left = [...this.#messages].filter(([, { state }]) => state !== 'gone' && state !== 'dead').map(([id]) => id);
    const consumer = this.#bench.isVirtual ? await this.#bench.subscribe() : (this.#subscriptions[0] as Subscription);
    const got = await this.#bench.take(consumer, left.length);
    assert.deepEqual(got.map(({ envelope }) => envelope.id).sort(), left.sort());
    await this.#bench.settle(consumer, ...got.map((delivery): Settlement => ({ kind: 'ack', delivery })));
  }

  async #releaseAll(): Promise<void> {
    for (const [worker, deliveries] of this.#deliveries.entries()) {
      const live = deliveries.filter((delivery) => this.#isLive(delivery, worker));
      await (this.#subscriptions[worker] as Subscription | undefined)?.settle(
        live.toReversed().map((delivery) => ({ kind: 'release', delivery })),
      );
      for (const delivery of live) this.#of(delivery).state = 'ready';
    }
  }

  async #do(step: Step): Promise<void> {
    const { broker, queue, leaseMs, clock } = this.#bench;
    const inspector = this.#bench.part('inspector');
    switch (step.do) {
      case 'publish':
      case 'delayed': {
        const delayMs = step.do === 'delayed' ? (step.at + 1) * 1_000 : 0;
        const envelope = this.#bench.envelope(delayMs > 0 ? { notBefore: clock.now() + delayMs } : {});
        await broker.publish([envelope]);
        const state = delayMs > 0 ? 'delayed' : 'ready';
        this.#messages.set(envelope.id, {
          state,
          fence: -1,
          crashes: 0,
          worker: -1,
          endsAt: clock.monotonic() + delayMs,
        });
        return;
      }
      case 'advance':
        await this.#bench.pass((step.at + 1) * (leaseMs / 10));
        this.#lapse();
        return;
      case 'redrive':
        await inspector.redrive(queue, 'all');
        this.#move('dead', 'ready', (message) => {
          message.crashes = 0;
        });
        return;
      case 'discard':
        await inspector.discard(queue, 'all');
        this.#move('dead', 'gone');
        return;
      case 'purge':
        await inspector.purge(queue);
        this.#move('ready', 'gone');
        return;
      case 'receive':
        await this.#receive(step.worker, 1 + (step.at % 4));
        return;
      case 'crash':
        // The worker forgets its deliveries: their leases expire.
        this.#deliveries[step.worker] = [];
        return;
      case 'extend':
        await this.#extend(step.worker, step.at);
        return;
      default:
        await this.#settle(step.do, step.worker, step.at);
    }
  }

  async #receive(worker: number, limit: number): Promise<void> {
    const { clock, leaseMs } = this.#bench;
    const ready = [...this.#messages.values()].filter(({ state }) => state === 'ready').length;
    const subscription = this.#subscriptions[worker] as Subscription;
    const deliveries = await (this.#bench.isVirtual
      ? this.#bench.now(subscription, limit)
      : this.#bench.take(subscription, Math.min(limit, ready)));
    assert.equal(deliveries.length, Math.min(limit, ready), 'deliveries');
    for (const delivery of deliveries) {
      const message = this.#messages.get(delivery.envelope.id) as Modelled;
      assert.equal(message.state, 'ready', `${delivery.envelope.id} was delivered`);
      assert.equal(delivery.crashes, message.crashes, 'crashes');
      assert(delivery.fence > message.fence, 'fences grow');
      const endsAt = this.#bench.isVirtual ? clock.monotonic() + leaseMs : Number.POSITIVE_INFINITY;
      Object.assign(message, { state: 'held', fence: delivery.fence, worker, endsAt });
      this.#deliveries[worker]?.push(delivery);
    }
  }

  async #extend(worker: number, at: number): Promise<void> {
    const delivery = this.#pick(worker, at);
    if (delivery === undefined) return;
    const live = this.#isLive(delivery, worker);
    const lost = await (this.#subscriptions[worker] as Subscription).extend([delivery]);
    assert.equal(lost.length, live ? 0 : 1, `extend of a ${live ? 'live' : 'stale'} lease`);
    if (live) this.#of(delivery).endsAt = this.#bench.clock.monotonic() + this.#bench.leaseMs;
  }

  async #settle(kind: Settlement['kind'], worker: number, at: number): Promise<void> {
    const delivery = this.#pick(worker, at);
    if (delivery === undefined) return;
    const live = this.#isLive(delivery, worker);
    const lost = await (this.#subscriptions[worker] as Subscription).settle([settlement(kind, delivery)]);
    assert.equal(lost.length, live ? 0 : 1, `${kind} of a ${live ? 'live' : 'stale'} lease`);
    if (!live) return;
    const after = { ack: 'gone', expire: 'gone', 'dead-letter': 'dead', retry: 'ready', release: 'ready' } as const;
    this.#of(delivery).state = after[kind];
  }

  #pick(worker: number, at: number): Delivery | undefined {
    const deliveries = this.#deliveries[worker] ?? [];
    return deliveries[at % Math.max(1, deliveries.length)];
  }

  #of({ envelope }: Delivery): Modelled {
    return this.#messages.get(envelope.id) as Modelled;
  }

  #isLive(delivery: Delivery, worker: number): boolean {
    const message = this.#of(delivery);
    return message.state === 'held' && message.fence === delivery.fence && message.worker === worker;
  }

  #move(from: Modelled['state'], to: Modelled['state'], also: (message: Modelled) => void = () => undefined): void {
    for (const message of this.#messages.values()) {
      if (message.state !== from) continue;
      message.state = to;
      also(message);
    }
  }

  /** Ends the delays and leases that are due. */
  #lapse(): void {
    const now = this.#bench.clock.monotonic();
    for (const message of this.#messages.values()) {
      if (message.endsAt > now) continue;
      if (message.state === 'delayed') message.state = 'ready';
      else if (message.state === 'held') Object.assign(message, { state: 'ready', crashes: message.crashes + 1 });
    }
  }

  async #check({ do: what }: Step): Promise<void> {
    if (this.#bench.isVirtual) {
      await this.#compare(what);
      return;
    }
    // A server may update its counts a moment later, or leave some out.
    let otherwise = '';
    const isRight = () =>
      this.#compare(what).then(
        () => true,
        (error: Error) => {
          otherwise = error.message;
          return false;
        },
      );
    await this.#bench.until(isRight, 2_000, () => otherwise);
  }

  async #compare(what: Step['do']): Promise<void> {
    const counts = await this.#bench.part('inspector').counts(this.#bench.queue);
    const expected = { ready: 0, delayed: 0, held: 0, dead: 0, gone: 0 };
    for (const { state } of this.#messages.values()) expected[state]++;
    const { held, gone: _, ...places } = expected;
    for (const [name, wanted] of Object.entries({ ...places, running: held })) {
      const counted = counts[name as keyof typeof counts];
      if (counted !== undefined || this.#bench.isVirtual) assert.equal(counted, wanted, `${name} after ${what}`);
    }
    if (this.#bench.broker.capabilities.counts === 'exact')
      assert.equal(imbalance(counts), 0, `after ${what}: ${JSON.stringify(counts)}`);
  }
}

function settlement(kind: Settlement['kind'], delivery: Delivery): Settlement {
  switch (kind) {
    case 'retry':
      return { kind, delivery, replacement: delivery.envelope };
    case 'dead-letter':
      return { kind, delivery, reason: 'model', replacement: deadLetterEnvelope(delivery.envelope, 'model') };
    default:
      return { kind, delivery };
  }
}
