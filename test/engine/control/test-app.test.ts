import { randomUUID } from 'node:crypto';
import { testApp } from '@brokkr/broker-memory/testing';
import { currentTask, TaskCancelledError, TaskManager } from '@brokkr/core';
import { expect, it } from 'vitest';

function manager(): TaskManager {
  return TaskManager.getInstance(`app-${randomUUID()}`);
}

it('drain leaves the messages of a paused queue, and runs them after resume', async () => {
  const tm = manager();
  const seen: string[] = [];
  const paused = tm.task({ name: 'paused', queueName: 'a' }, async () => void seen.push('paused'));
  const other = tm.task({ name: 'other', queueName: 'b' }, async () => void seen.push('other'));
  const app = testApp({ tasks: [paused, other] });
  await tm.queue('a').pause();
  await paused.with({ delay: '1m' }).send();
  await paused.send();
  await other.send();
  await app.drain();
  expect(seen).toEqual(['other']);
  await tm.queue('a').resume();
  await app.drain();
  expect(seen).toEqual(['other', 'paused', 'paused']);
  await app.close();
});

it('a running task is cancelled, and its status and progress are known', async () => {
  const tm = manager();
  let started: () => void = () => undefined;
  const isRunning = new Promise<void>((resolve) => (started = resolve));
  const task = tm.task({ name: 'wait', result: '1h' }, async () => {
    const { signal } = currentTask();
    currentTask().progress('begun');
    started();
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  });
  const app = testApp({ tasks: [task] });
  const handle = await task.send();
  expect(await handle.status()).toEqual({ state: 'ready', attempt: 1 });
  const drained = app.drain();
  await isRunning;
  expect(await handle.status()).toEqual({ state: 'running', attempt: 1, progress: 'begun' });
  expect(await handle.cancel({ running: true })).toBe(true);
  await drained;
  expect(await handle.status()).toEqual({ state: 'cancelled', progress: 'begun' });
  await expect(handle.result()).rejects.toThrow(TaskCancelledError);
  const seen: unknown[] = [];
  for await (const value of handle.progress()) seen.push(value);
  expect(seen).toEqual(['begun']);
  await app.close();
});

it('virtual years cost no more than their messages: no report or look moves time', async () => {
  const tm = manager();
  const task = tm.task({ name: 'late' }, async () => undefined);
  const app = testApp({ tasks: [task] });
  await task.with({ delay: '3650d' }).send();
  await app.drain();
  expect(app.broker.inspector && (await app.broker.inspector.counts('default'))).toMatchObject({ acknowledged: 1 });
  expect(await tm.workers()).toHaveLength(1);
  await app.close();
});
