import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { TaskManager } from '@brokkr/core';
import type { AcquireOptions, MessageIndex, Subscription } from '@brokkr/core/adapter';
import { ManualClock } from '@brokkr/core/testing';
import { afterEach, expect, it, vi } from 'vitest';
import { closeManagers, limitsOf, managerOn, managers } from './permit-bench.ts';

afterEach(closeManagers);

it('a slot is free when the run ends, though the broker has not confirmed it yet', async () => {
  const broker = new MemoryBroker();
  let answer: () => void = () => undefined;
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const tm = await managerOn(broker, {
    subscribe: async (queue, options): Promise<Subscription> => {
      const inner = await broker.subscribe(queue, options);
      return {
        receive: (...args) => inner.receive(...args),
        extend: (...args) => inner.extend(...args),
        settle: async (settlements) => {
          await answered;
          return inner.settle(settlements);
        },
        close: () => inner.close(),
      };
    },
  });
  let runs = 0;
  const limit = tm.limit({ name: 'one', concurrency: 1 });
  const task = tm.task({ name: 't', limits: [limit] }, async () => void runs++);
  await tm.createWorker({ concurrency: 1 }).start();
  await task.send();
  await vi.waitFor(() => expect(runs).toBe(1));
  await task.send();
  await vi.waitFor(() => expect(runs).toBe(2));
  expect(await broker.inspector.counts('default')).toMatchObject({ running: 2, acknowledged: 0 });
  answer();
});

it('a busy worker gives slots back in the calls that ask for others', async () => {
  const broker = new MemoryBroker();
  const asked: AcquireOptions[] = [];
  let released = 0;
  const limits = limitsOf(broker, (store) => ({
    acquire: (requests, options) => {
      asked.push(options);
      return store.acquire(requests, options);
    },
    release: (permits, options) => {
      released += permits.length;
      return store.release(permits, options);
    },
  }));
  const tm = await managerOn(broker, { limits });
  let runs = 0;
  const task = tm.task({ name: 't', limits: [tm.limit({ name: 'l', concurrency: 10 })] }, async () => void runs++);
  await task.sendMany(Array.from({ length: 200 }, () => []));
  await tm.createWorker({ concurrency: 10 }).start();
  await vi.waitFor(async () => expect(await broker.inspector.counts('default')).toMatchObject({ acknowledged: 200 }));
  await vi.waitFor(() => expect(released + asked.flatMap(({ returned = [] }) => returned).length).toBe(200));
  expect(200 - released, 'the others went with a call that asked').toBeGreaterThanOrEqual(50);
  expect((await limits.usage()).map(({ held }) => held)).toEqual([0]);
});

it('slots that a refused call should have given back are given back later', async () => {
  const broker = new MemoryBroker();
  let failures = 0;
  const limits = limitsOf(broker, (store) => ({
    acquire: (requests, options) => {
      if ((options.returned ?? []).length === 0 || failures > 0) return store.acquire(requests, options);
      failures++;
      return Promise.reject(new Error('connection refused'));
    },
  }));
  const tm = await managerOn(broker, { limits });
  let runs = 0;
  const task = tm.task({ name: 't', limits: [tm.limit({ name: 'l', concurrency: 2 })] }, async () => void runs++);
  await task.sendMany(Array.from({ length: 6 }, () => []));
  await tm.createWorker({ concurrency: 2 }).start();
  await vi.waitFor(() => expect(runs).toBe(6), 8_000);
  expect(failures).toBe(1);
  await vi.waitFor(async () => expect((await limits.usage()).map(({ held }) => held)).toEqual([0]), 3_000);
}, 15_000);

it('a message that is next in line before it is delayed is made ready soon after', async () => {
  const broker = new MemoryBroker();
  let misses = 0;
  const messages: MessageIndex = {
    find: (...args) => broker.messages.find(...args),
    cancel: (...args) => broker.messages.cancel(...args),
    unfinished: (...args) => broker.messages.unfinished(...args),
    promote: async (queue, ids) => (misses++ === 0 ? [] : broker.messages.promote(queue, ids)),
  };
  const tm = await managerOn(broker, { messages });
  const ends: (() => void)[] = [];
  const starts: number[] = [];
  const task = tm.task({ name: 't', limits: [tm.limit({ name: 'l', concurrency: 1 })] }, async () => {
    starts.push(performance.now());
    await new Promise<void>((resolve) => ends.push(resolve));
  });
  await tm.createWorker({ concurrency: 2 }).start();
  await task.sendMany([[], []]);
  await vi.waitFor(async () => expect(await broker.inspector.counts('default')).toMatchObject({ delayed: 1 }));
  const endedAt = performance.now();
  ends[0]?.();
  await vi.waitFor(() => expect(starts).toHaveLength(2), 3_000);
  expect(misses).toBe(2);
  // By its own time it would come back after two seconds.
  expect((starts[1] ?? 0) - endedAt).toBeLessThan(1_500);
  ends[1]?.();
});

it('passes over messages that were cancelled in line at once', async () => {
  const clock = new ManualClock();
  const broker = new MemoryBroker({ clock });
  const tm = TaskManager.getInstance(`permits-${randomUUID()}`);
  managers.push(tm);
  tm.configure({ broker, clock, logLevel: 'silent' });
  const ends: (() => void)[] = [];
  const slots = tm.limit({ name: 'slots', concurrency: 1 });
  const task = tm.task({ name: 't', limits: [slots] }, () => new Promise<void>((resolve) => ends.push(resolve)));
  await tm.createWorker({ concurrency: 9 }).start();
  const [first] = await task.sendMany([[]]);
  await clock.advance(1_000);
  expect(ends).toHaveLength(1);
  // After a run of a minute, the messages in line would return by their own time in five.
  await clock.advance(60_000);
  ends.pop()?.();
  await clock.advance(10);
  expect((await first?.status())?.state).not.toBe('running');
  const handles = await task.sendMany([[], [], [], []]);
  await clock.advance(1_000);
  expect(ends).toHaveLength(1);
  expect(await broker.inspector.counts('default')).toMatchObject({ running: 1, delayed: 3 });
  for (const handle of handles.slice(1, 3)) expect(await handle.cancel()).toBe(true);
  ends.pop()?.();
  await clock.advance(10);
  expect(ends).toHaveLength(1);
  ends.pop()?.();
});
