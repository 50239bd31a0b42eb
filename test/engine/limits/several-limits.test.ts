import { MemoryBroker } from '@brokkr/broker-memory';
import type { Task, TaskManager } from '@brokkr/core';
import { ManualClock } from '@brokkr/core/testing';
import { afterEach, expect, it } from 'vitest';
import { closeManagers, managerOn } from './permit-bench.ts';

afterEach(closeManagers);

interface Bench {
  readonly tm: TaskManager;
  readonly clock: ManualClock;
  /** Serves the default queue. */
  readonly start: () => Promise<void>;
  /** The handler of a run that takes `ms`. */
  readonly takes: (ms: number) => () => Promise<void>;
  /** Closes the manager, whose worker waits for its runs. */
  readonly end: () => Promise<void>;
}

async function bench(): Promise<Bench> {
  const clock = new ManualClock();
  const tm = await managerOn(new MemoryBroker({ clock }), {}, { clock });
  return {
    tm,
    clock,
    start: () => tm.createWorker({ concurrency: 50 }).start(),
    takes: (ms) => () => new Promise((resolve) => clock.setTimeout(resolve, ms)),
    end: async () => {
      let isClosed = false;
      const closed = tm.close().then(() => {
        isClosed = true;
      });
      while (!isClosed) await clock.advance(1_000);
      await closed;
    },
  };
}

/** Moves time on until all have run. @returns the seconds that it took */
async function secondsUntil(clock: ManualClock, isDone: () => boolean, most: number): Promise<number> {
  for (let seconds = 0; seconds < most; seconds += 0.1) {
    if (isDone()) return seconds;
    await clock.advance(100);
  }
  return Number.POSITIVE_INFINITY;
}

it.each([
  ['the limit of the customer first', true],
  ['the limit of the customer last', false],
])('customers with a slot each fill the slots that they share, %s', async (_, isFirst) => {
  const { tm, clock, start, takes } = await bench();
  const shared = tm.limit({ name: 'shared', concurrency: 10 });
  const customer = tm.limit({ name: 'customer', concurrency: 1 });
  let ran = 0;
  const run = takes(200);
  const limits = (id: string) => (isFirst ? [customer.for(id), shared] : [shared, customer.for(id)]);
  const task = tm.task({ name: 't', limits }, async (_id: string) => {
    await run();
    ran++;
  });
  const customers = Array.from({ length: 12 }, (_each, index): [string] => [`c-${index}`]);
  for (let round = 0; round < 25; round++) await task.sendMany(customers);
  await start();
  // 300 runs of 200 ms in ten slots.
  expect(await secondsUntil(clock, () => ran === 300, 60)).toBeLessThan(6 * 1.2);
});

it('transfers between accounts with a slot each run as soon as both accounts are free', async () => {
  const { tm, clock, start, takes } = await bench();
  const account = tm.limit({ name: 'account', concurrency: 1 });
  const running = new Set<string>();
  let ran = 0;
  const run = takes(200);
  const transfer = tm.task(
    { name: 'transfer', limits: (from, to) => [account.for(from), account.for(to)] },
    async (from: string, to: string) => {
      expect(running.has(from) || running.has(to)).toBe(false);
      running.add(from).add(to);
      await run();
      running.delete(from);
      running.delete(to);
      ran++;
    },
  );
  const pairs = ['ab', 'cd', 'ac', 'bd', 'ad', 'bc', 'ba', 'dc'].map((pair) => [...pair] as [string, string]);
  for (let round = 0; round < 10; round++) await transfer.sendMany(pairs);
  await start();
  // Each account has 40 of the 80 transfers.
  expect(await secondsUntil(clock, () => ran === 80, 60)).toBeLessThan(8 * 1.2);
});

it.each([
  ['a rate and slots', { rate: 10 }, { concurrency: 2 }],
  ['a slower rate and slots', { rate: 1 }, { concurrency: 2 }],
  ['two rates', { rate: 10 }, { rate: 3 }],
])('messages with %s start, although others keep both busy', async (_, one, other) => {
  const { tm, clock, start, takes, end } = await bench();
  const [first, second] = [tm.limit({ name: 'first', ...one }), tm.limit({ name: 'second', ...other })];
  const ran = { both: 0, first: 0, second: 0 };
  const busy = takes(200);
  const both = tm.task({ name: 'both', limits: [first, second] }, () => void ran.both++);
  const ofFirst = tm.task({ name: 'of-first', limits: [first] }, () => void ran.first++);
  const ofSecond = tm.task({ name: 'of-second', limits: [second] }, async () => {
    await busy();
    ran.second++;
  });
  const send = (task: Task<[], void>, count: number) => task.sendMany(Array.from({ length: count }, () => []));
  const perSecond = [one.rate, 'rate' in other ? other.rate : 10] as const;
  const more = async () => {
    await send(ofFirst, 33 * perSecond[0]);
    await send(ofSecond, 33 * perSecond[1]);
  };
  await more();
  await send(both, 5);
  await start();
  for (let half = 0; half < 10; half++) {
    await clock.advance(30_000);
    await more();
  }
  await end();
  expect(ran.both).toBe(5);
  expect(ran.first + ran.both).toBeGreaterThan(0.98 * 300 * perSecond[0]);
  expect(ran.second + ran.both).toBeGreaterThan(0.95 * 300 * perSecond[1]);
});

it('messages that wait for a slot take no starts of their rate from others', async () => {
  const { tm, clock, start, takes, end } = await bench();
  const [slot, rate] = [tm.limit({ name: 'slot', concurrency: 1 }), tm.limit({ name: 'rate', rate: 5 })];
  let started = 0;
  const holder = tm.task({ name: 'holder', limits: [slot], timeout: '1h' }, takes(100_000));
  const both = tm.task({ name: 'both', limits: [slot, rate] }, () => undefined);
  const others = tm.task({ name: 'others', limits: [rate] }, () => void started++);
  await holder.send();
  await others.sendMany(Array.from({ length: 400 }, () => []));
  await start();
  for (let each = 0; each < 250; each++) {
    await both.send();
    await clock.advance(200);
  }
  // In 50 s.
  expect(started).toBeGreaterThan(0.98 * 250);
  await end();
});
