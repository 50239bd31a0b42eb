import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { testApp } from '@brokkr/broker-memory/testing';
import { currentTask, step, TaskManager } from '@brokkr/core';
import { afterEach, describe, expect, it } from 'vitest';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function manager(): TaskManager {
  const tm = TaskManager.getInstance(`steps-${randomUUID()}`);
  cleanUps.push(() => tm.close());
  return tm;
}

describe('step()', () => {
  it('throws outside a handler', async () => {
    await expect(step('a', () => 1)).rejects.toMatchObject({
      code: 'NO_CURRENT_TASK',
      message: 'step() was called outside a task; call it inside a handler',
    });
  });

  it.each([
    ['', () => 1, {}, 'STEP_INVALID', /name of a step must be a string of 1 to 200 characters; got 0 characters/],
    [7 as never, () => 1, {}, 'STEP_INVALID', /got 7/],
    ['x'.repeat(201), () => 1, {}, 'STEP_INVALID', /got 201 characters/],
    [
      'a',
      'work' as never,
      {},
      'STEP_INVALID',
      /task checked, step a: give a function that does the step; got a string/,
    ],
    ['a', () => 1, { timeot: 1 } as never, 'OPTION_UNKNOWN', /did you mean `timeout`/],
    ['a', () => 1, { timeout: 'soon' }, 'DURATION_INVALID', /task checked, step a: timeout must be a duration/],
    ['a', () => 1, { timeout: 0 }, 'TIMEOUT_INVALID', /task checked, step a: timeout must be longer than 0/],
  ])('refuses invalid arguments, before anything runs: %s', async (name, work, options, code, message) => {
    const task = manager().task({ name: 'checked' }, () => step(name, work, options));
    await expect(task()).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('runs in an inline call, which stores nothing', async () => {
    const task = manager().task({ name: 'inline' }, async () => [
      await step('a', () => new Date(0)),
      await step('b', () => 2),
    ]);
    expect(await task()).toEqual(['1970-01-01T00:00:00.000Z', 2]);
  });

  it('uses the clock of a test app for its time limit', async () => {
    const seen: unknown[] = [];
    const tm = manager();
    const task = tm.task({ name: 'slow', maxRetries: 0, timeout: '1h' }, async () => {
      await step('slow', () => new Promise(() => undefined), { timeout: '10m' }).catch((error) =>
        seen.push(error.code),
      );
    });
    const app = testApp({ tasks: [task] });
    cleanUps.push(() => app.close());
    await task.send();
    await app.drain();
    expect(seen).toEqual(['STEP_TIMEOUT']);
    expect(app.now().toISOString()).toBe('2030-01-01T00:10:00.000Z');
  });
});

describe('without a store', () => {
  it('the step rejects with STORE_MISSING that names task and option, before it does anything', async () => {
    const broker = new MemoryBroker();
    Object.defineProperty(broker, 'records', { value: undefined });
    const tm = manager();
    await tm.initialize({ broker, logLevel: 'silent', runMode: 'worker' });
    const ran: string[] = [];
    const task = tm.task({ name: 'stepless', maxRetries: 0 }, () => step('a', () => ran.push('a')));
    const worker = tm.createWorker();
    const dead = new Promise((resolve) => worker.on('dead', resolve));
    await worker.start();
    await task.send();
    expect(await dead).toMatchObject({
      error: {
        code: 'STORE_MISSING',
        message:
          'task stepless: step() needs a store, but this broker has no part records; set TASK_STORE_URL to a store that has it, such as redis://',
      },
    });
    expect(ran).toEqual([]);
  });
});

it('steps of messages that are retried long after are kept until then', async () => {
  const tm = manager();
  let ran = 0;
  const task = tm.task({ name: 'patient', maxRetries: 1, retryDelay: '60d', maxRetryDelay: '60d' }, async () => {
    await step('a', () => ++ran);
    if (currentTask().attempt === 1) throw new Error('again in 60 days');
  });
  const app = testApp({ tasks: [task] });
  cleanUps.push(() => app.close());
  await task.send();
  await app.drain();
  expect([ran, app.dead('default')]).toEqual([1, []]);
});
