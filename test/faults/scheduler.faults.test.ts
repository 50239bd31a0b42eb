import { firstMessages } from '@brokkr/core/adapter';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Broker, createBroker, openBroker } from '@brokkr/core';
import type { Inspected } from '../support/inspected.ts';
import { afterAll, expect, it } from 'vitest';
import { brokkr, type Run } from '../cli/brokkr.ts';
import { RabbitServer } from '../support/rabbitmq-server.ts';
import { RedisServer } from '../support/redis-server.ts';
import { figures, until } from './fault-bench.ts';

const KILLS = 20;
const SCHEDULERS = 3;
const QUEUE = 'beats';
const MOST_TICKS = 10_000;
const STOPS = 4;
const OUTAGES = 3;

interface Place {
  readonly name: string;
  readonly url: string;
  readonly app: string;
  /** Opens the broker of the schedulers for this test. */
  readonly open: () => Promise<Broker>;
}

interface Sent {
  /** Epoch milliseconds. */
  readonly tick: number;
  readonly at: number;
}

function app(name: string): string {
  return join(import.meta.dirname, '..', 'fixtures', 'apps', name);
}

const [keyed, elected, rabbit] = await Promise.all([RedisServer.start(), RedisServer.start(), RabbitServer.start()]);
afterAll(() => Promise.all([keyed.stop(), elected.stop(), rabbit.stop()]));

function place(name: string, url: string, module = 'scheduled.ts', inspectAt = url): Place {
  return { name, url, app: app(module), open: () => openBroker(createBroker(inspectAt)) };
}

const places: Place[] = [
  place('redis', keyed.url),
  place('rabbitmq', rabbit.url),
  // Without idempotency keys: one scheduler leads, by a lease of 1 s that outlives its process.
  place('elected', elected.url.replace('redis:', 'electedredis:'), 'elected.ts', elected.url),
];
// Another broker, such as a cluster.
const given = process.env.BROKKR_FAULT_BROKER_URL;
if (given !== undefined) places.push(place(given.replace(/:.*/s, ''), given));

/** Schedulers, each in a process of its own. */
class Schedulers {
  readonly #place: Place;
  readonly #runs: Run[] = [];

  constructor(at: Place) {
    this.#place = at;
  }

  add(): void {
    this.#runs.push(brokkr(['scheduler', '-a', this.#place.app], { TASK_BROKER_URL: this.#place.url }));
  }

  get haveStarted(): boolean {
    return this.#runs.every(({ output }) => output().includes('scheduler started'));
  }

  /** Kills the leader, or the oldest scheduler if none leads, and starts another one. */
  replaceOne(): void {
    const [victim] = this.#runs.splice(Math.max(0, this.#leading()), 1);
    victim?.child.kill('SIGKILL');
    this.add();
  }

  /** Stops the process of the leader for `ms`. If all schedulers send, stops another one each time. */
  async freeze(turn: number, ms: number): Promise<void> {
    const leading = this.#leading();
    const { child } = this.#runs[leading < 0 ? turn % this.#runs.length : leading] as Run;
    child.kill('SIGSTOP');
    await sleep(ms);
    child.kill('SIGCONT');
  }

  /** Returns the index of the scheduler that was elected last; -1 if there are no elections. */
  #leading(): number {
    const since = this.#runs.map(({ output }) =>
      Math.max(
        0,
        ...output()
          .split('\n')
          .filter((line) => line.includes('this scheduler leads'))
          .map((line) => Number(JSON.parse(line).time)),
      ),
    );
    const latest = Math.max(...since);
    return latest === 0 ? -1 : since.indexOf(latest);
  }

  async stop(): Promise<void> {
    for (const { child } of this.#runs) child.kill('SIGTERM');
    expect(await Promise.all(this.#runs.map(({ exited }) => exited))).toEqual(Array(this.#runs.length).fill(0));
  }
}

/** Counts duplicate and missing ticks from `first` to `last`. There is one a second. */
async function judge(broker: Broker, first: number, last: number) {
  const sent = (await sentTo(broker)).filter(({ tick }) => tick >= first && tick <= last);
  const ticks = (last - first) / 1_000 + 1;
  const different = new Set(sent.map(({ tick }) => tick)).size;
  const slowestMs = Math.max(...sent.map(({ tick, at }) => at - tick));
  return { ticks, duplicates: sent.length - different, missing: ticks - different, slowestMs };
}

async function sentTo(broker: Broker): Promise<Sent[]> {
  const envelopes = await firstMessages((broker as Inspected).inspector, QUEUE, 'ready', MOST_TICKS);
  return envelopes.map(({ headers }) => ({
    tick: Date.parse(headers['scheduled-at'] ?? ''),
    at: Number(headers['brokkr-at']),
  }));
}

it.each(places)(
  `$name: no tick is lost if schedulers are killed in the middle of a tick, ${KILLS} times`,
  async (at) => {
    const broker = await at.open();
    const { idempotency } = broker.capabilities;
    const isKeyed = idempotency && at.name !== 'elected';
    const schedulers = new Schedulers(at);
    for (let count = 0; count < SCHEDULERS; count++) schedulers.add();
    const ready = async () => (await (broker as Inspected).inspector.counts(QUEUE)).ready ?? 0;
    const moreThan = async (before: number, what: string) => {
      await until(async () => (await ready()) > before, 30_000, what);
    };
    await until(() => schedulers.haveStarted, 30_000, 'the schedulers have started');
    await moreThan(0, 'the first tick was sent');
    const first = Math.ceil(Date.now() / 1_000) * 1_000;
    for (let kill = 0; kill < KILLS; kill++) {
      // Ticks go on: the scheduler that leads has sent some.
      await moreThan(await ready(), 'ticks are sent');
      // In the milliseconds in which a tick is sent.
      await sleep(1_000 - (Date.now() % 1_000) + (kill % 10));
      schedulers.replaceOne();
    }
    const last = Math.floor(Date.now() / 1_000) * 1_000;
    await moreThan((await ready()) + 1, 'the last one has taken over');
    await until(() => schedulers.haveStarted, 30_000, 'the last one has started');
    await schedulers.stop();
    const found = await judge(broker, first, last);
    await broker.close();
    figures(`${at.name}, schedulers killed mid-tick`, { kills: KILLS, ...found });
    expect(found.missing).toBe(0);
    // Without keys, each take-over may duplicate one tick.
    expect(found.duplicates).toBeLessThanOrEqual(isKeyed ? 0 : KILLS);
  },
  240_000,
);

const outages = [
  { at: places[0] as Place, server: keyed },
  { at: place('rabbitmq', `${rabbit.url}?heartbeat=2s`), server: rabbit },
];

it.each(outages)(
  `$at.name: no tick is lost if schedulers stand still in the middle of a tick, ${STOPS} times, and the server is killed, ${OUTAGES} times`,
  async ({ at, server }) => {
    const broker = await at.open();
    const inspected = broker as Inspected;
    await inspected.inspector.purge(QUEUE);
    const schedulers = new Schedulers(at);
    for (let count = 0; count < SCHEDULERS; count++) schedulers.add();
    const ready = async () => (await inspected.inspector.counts(QUEUE).catch(() => undefined))?.ready ?? 0;
    const more = async (what: string) => {
      const before = await ready();
      await until(async () => (await ready()) > before + 1, 60_000, what);
    };
    await more('the schedulers have started');
    const first = Math.ceil(Date.now() / 1_000) * 1_000;
    for (let stop = 0; stop < STOPS; stop++) {
      await sleep(1_000 - (Date.now() % 1_000) + 2 * stop);
      // Longer than twice the heartbeat: the server closes the leader's connection.
      await schedulers.freeze(stop, 7_000);
      await more('ticks are sent');
    }
    for (let outage = 0; outage < OUTAGES; outage++) {
      await server.kill();
      await sleep(2_000);
      await server.run();
      await more('ticks are sent again');
    }
    const last = Math.floor(Date.now() / 1_000) * 1_000;
    const newest = async () => Math.max(...(await sentTo(broker).catch(() => [])).map(({ tick }) => tick));
    await until(async () => (await newest()) > last, 60_000, 'all have caught up');
    await schedulers.stop();
    const found = await judge(broker, first, last);
    const { idempotency } = broker.capabilities;
    await broker.close();
    figures(`${at.name}, schedulers that stand still, and a server that dies`, {
      stops: STOPS,
      outages: OUTAGES,
      ...found,
    });
    expect(found.missing).toBe(0);
    expect(found.duplicates).toBeLessThanOrEqual(idempotency ? 0 : STOPS + OUTAGES);
  },
  240_000,
);
