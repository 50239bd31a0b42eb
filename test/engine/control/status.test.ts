import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { type ManagerOptions, TaskManager, type TaskOptions } from '@brokkr/core';
import { ManualClock } from '@brokkr/core/testing';
import { afterEach, describe, expect, it } from 'vitest';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

/** A task whose runs end as `outcomes` say, one after the other, each after a second. */
function bench(
  outcomes: readonly ('ok' | 'fail')[] = ['ok'],
  task: Omit<TaskOptions, 'schema'> = {},
  options: ManagerOptions = {},
) {
  const clock = new ManualClock();
  const broker = new MemoryBroker({ clock });
  const tm = TaskManager.getInstance(`status-${randomUUID()}`);
  tm.configure({ broker, clock, logLevel: 'silent', ...options });
  const left = [...outcomes];
  const job = tm.task({ name: 'job', maxRetries: 1, retryDelay: '10s', ...task, schema: undefined }, async () => {
    await new Promise<void>((resolve) => clock.setTimeout(resolve, 1_000));
    if (left.shift() === 'fail') throw new Error('failed');
    return 7;
  });
  const start = async () => {
    await tm.createWorker().start();
    await clock.advance(10);
  };
  cleanUps.push(async () => {
    const closing = tm.close();
    await clock.advance(40_000);
    await closing;
  });
  return { clock, broker, tm, job, start };
}

describe('status() of a message by its id', () => {
  it('follows it from a delay over a retry to success', async () => {
    const { clock, job, start } = bench(['fail', 'ok'], { result: '1h' });
    const { id } = await job.with({ delay: '5s' }).send();
    const handle = job.handle(id);
    expect(handle).toMatchObject({ id, queue: 'default', isNew: false });
    expect(await handle.status()).toEqual({ state: 'delayed', attempt: 1 });
    await clock.advance(5_000);
    expect(await handle.status()).toEqual({ state: 'ready', attempt: 1 });
    await start();
    expect(await handle.status()).toEqual({ state: 'running', attempt: 1 });
    await clock.advance(1_000);
    expect(await handle.status()).toEqual({ state: 'delayed', attempt: 2 });
    await clock.advance(10_000);
    expect(await handle.status()).toEqual({ state: 'running', attempt: 2 });
    await clock.advance(1_000);
    expect(await handle.status()).toEqual({ state: 'succeeded' });
    expect(await handle.result()).toBe(7);
  });

  it('is dead, and delayed or ready again after a redrive', async () => {
    const { clock, broker, job, start } = bench(['fail'], { maxRetries: 0, result: '1h' });
    const handle = await job.send();
    await start();
    await clock.advance(1_000);
    expect(await handle.status()).toMatchObject({ state: 'dead' });
    await broker.inspector.discard('default', [handle.id]);
    expect(await handle.status()).toEqual({ state: 'dead' });
  });

  it('is expired if it did not start in time', async () => {
    const { clock, job, start } = bench(['ok'], { result: '1h' });
    const handle = await job.with({ expiresIn: '1s' }).send();
    await clock.advance(2_000);
    await start();
    expect(await handle.status()).toEqual({ state: 'expired' });
    await expect(handle.result()).rejects.toMatchObject({ code: 'TASK_FAILED' });
  });

  it('is unknown, never a guess, once it has ended without a result, and if it never was', async () => {
    const { clock, job, start } = bench();
    const handle = await job.send();
    await start();
    await clock.advance(1_000);
    expect(await handle.status()).toEqual({ state: 'unknown' });
    expect(await job.handle('never-sent').status()).toEqual({ state: 'unknown' });
    expect(await job.handle(handle.id, { queue: 'other' }).status()).toEqual({ state: 'unknown' });
  });

  it('works with results alone, on a broker that finds no messages', async () => {
    const { clock, broker, job, start } = bench(['ok'], { result: '1h' });
    Object.defineProperty(broker, 'messages', { value: undefined });
    const handle = await job.send();
    expect(await handle.status()).toEqual({ state: 'unknown' });
    await start();
    await clock.advance(1_000);
    expect(await handle.status()).toEqual({ state: 'succeeded' });
  });

  it('is refused if neither broker nor results can know anything', async () => {
    const { broker, job } = bench();
    Object.defineProperty(broker, 'messages', { value: undefined });
    const handle = await job.send();
    await expect(handle.status()).rejects.toMatchObject({
      name: 'UnsupportedFeatureError',
      code: 'STATUS_UNSUPPORTED',
    });
  });

  it('takes the attempt from a header of any program without trust', async () => {
    const { broker, job } = bench();
    const body = Buffer.from('[]');
    await broker.publish([
      { id: 'x', queue: 'default', body, headers: { 'brokkr-task': 'job', 'brokkr-attempt': '-1e9' } },
    ]);
    expect(await job.handle('x').status()).toEqual({ state: 'ready', attempt: 1 });
  });
});

it('the handle of a duplicate has the state of the first message', async () => {
  const { clock, job, start } = bench(['ok'], { result: '1h' });
  const send = job.with({ idempotencyKey: 'k' }).send;
  const first = await send();
  const again = await send();
  expect([first.isNew, again.isNew]).toEqual([true, false]);
  expect(again.id).toBe(first.id);
  expect(await again.status()).toEqual({ state: 'ready', attempt: 1 });
  await start();
  await clock.advance(1_000);
  const late = await send();
  expect(late.isNew).toBe(false);
  expect(await late.status()).toEqual({ state: 'succeeded' });
  expect(await late.result()).toBe(7);
});

it.each([[''], [undefined], [7], ['x'.repeat(201)]])('handle(%j) is an error: it is not the id of a message', (id) => {
  const { job } = bench();
  expect(() => job.handle(id as string)).toThrow(expect.objectContaining({ code: 'MESSAGE_ID_INVALID' }));
});

it('the options of handle() are checked', () => {
  const { job } = bench();
  expect(() => job.handle('x', { queueName: 'q' } as never)).toThrow(/unknown option `queueName`/);
  expect(() => job.handle('x', { queue: 'a b' })).toThrow(/queue name "a b"/);
});
