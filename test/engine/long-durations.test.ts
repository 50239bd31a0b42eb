import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { currentTask, TaskManager } from '@brokkr/core';
import { expect, it } from 'vitest';

/** Longer than the 24.8 days that a timer of Node can count: it would fire after 1 ms. */
const LONG = '30d';
const SOME_MS = 30;

const aMoment = () => new Promise((resolve) => setTimeout(resolve, SOME_MS));

async function manager() {
  const broker = new MemoryBroker();
  const tm = TaskManager.getInstance(`long-${randomUUID()}`);
  const options = { sendTimeout: LONG, shutdownTimeout: LONG, lease: LONG, timeout: LONG, idempotencyTtl: LONG };
  await tm.initialize({ broker, logLevel: 'silent', ...options });
  return { broker, tm };
}

it('a send waits for a slow broker although its time limit is 30 days', async () => {
  const { broker, tm } = await manager();
  const publish = broker.publish.bind(broker);
  broker.publish = async (envelopes) => {
    await aMoment();
    return publish(envelopes);
  };
  const handle = await tm.task({ name: 'sent' }, async () => undefined).send();
  expect(handle.isNew).toBe(true);
  await tm.close();
});

it('a handler with limits of 30 days is aborted neither by its timeout nor by a stop', async () => {
  const { tm } = await manager();
  const task = tm.task({ name: 'ran', result: LONG }, async () => {
    const { signal } = currentTask();
    await aMoment();
    return signal.aborted;
  });
  const handle = await task.send();
  const worker = tm.createWorker();
  await worker.start();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(await worker.stop({ timeout: LONG })).toEqual({ interrupted: 0 });
  expect(await handle.result({ timeout: LONG })).toBe(false);
  await tm.close();
});
