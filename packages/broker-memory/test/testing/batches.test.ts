import { randomUUID } from 'node:crypto';
import { TaskManager } from '@brokkr/core';
import type { BatchTaskOptions } from '@brokkr/core/adapter';
import { expect, it } from 'vitest';
import { testApp } from '../../src/testing/index.ts';

type Call = readonly [second: number, items: number];

/**
 * An app with one batch task. `settleWithin` is an hour: a test that waits for it in real time fails.
 * @param rate limit of starts a second
 */
function batchApp(
  batch: BatchTaskOptions<number>['batch'],
  { rate, concurrency, run = async () => {} }: { rate?: number; concurrency?: number; run?: () => Promise<void> },
) {
  const tm = TaskManager.getInstance(`app-${randomUUID()}`);
  const limits = rate === undefined ? undefined : [tm.limit({ name: 'service', rate })];
  const calls: Call[] = [];
  const task = tm.batchTask({ name: 'store', batch, limits }, async (items: number[]) => {
    await run();
    calls.push([(app.now().getTime() - startedAt) / 1_000, items.length]);
  });
  const app = testApp({ tasks: [task], concurrency, settleWithin: '1h' });
  const startedAt = app.now().getTime();
  const send = (count: number) => task.sendMany(Array.from({ length: count }, (_, item) => [item]));
  return { app, tm, send, calls };
}

it('a batch that is not full runs after its timeout in virtual time', async () => {
  const { app, send, calls } = batchApp({ size: 10, timeout: '1h' }, {});
  await send(15);
  await app.advance('59m');
  expect(calls).toEqual([[0, 10]]);
  await app.drain();
  expect(calls).toEqual([
    [0, 10],
    [3_600, 5],
  ]);
  await app.close();
});

it('batches of a task with a rate take as many messages in virtual time as the rate allows', async () => {
  const { app, send, calls } = batchApp({ size: 10, timeout: '5s' }, { rate: 1 });
  await send(200);
  await app.advance('58s');
  // The times of a rate are rounded up to milliseconds, so calls may get a little later.
  const inSeconds = calls.map(([second, items]) => [Math.floor(second), items]);
  expect(inSeconds).toEqual(Array.from({ length: 11 }, (_, call) => [5 * call + 5, 5]));
  await app.close();
});

it('batches run early, without a move of time, if their messages leave no room for others', async () => {
  const { app, send, calls } = batchApp({ size: 2, timeout: '4s', by: (item) => item }, {});
  // Four slots hold at most eight messages.
  await send(12);
  await app.drain();
  expect(calls.map(([second]) => second)).toEqual([0, 0, 0, 0, 4, 4, 4, 4, 4, 4, 4, 4]);
  await app.close();
});

it('a message that has no slot while others gather waits in virtual time until they run', async () => {
  const { app, tm, send, calls } = batchApp({ size: 10, timeout: '5s' }, { concurrency: 1 });
  const other = tm.task({ name: 'other' }, async () => {
    calls.push([0, calls.length]);
  });
  await send(2);
  await other.send();
  await app.drain();
  expect(calls).toEqual([
    [5, 2],
    [0, 1],
  ]);
  await app.close();
});

it('time does not move on while a batch waits for real I/O, although others gather', async () => {
  const { app, send, calls } = batchApp(
    { size: 10, timeout: '5s' },
    { run: () => new Promise((resolve) => setTimeout(resolve, 20)) },
  );
  await send(12);
  await app.drain();
  expect(calls).toEqual([
    [0, 10],
    [5, 2],
  ]);
  await app.close();
});
