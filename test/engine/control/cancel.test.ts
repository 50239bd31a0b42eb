import { MemoryBroker } from '@brokkr/broker-memory';
import { currentTask, RetryLater, TaskCancelledError, type TaskHandle, TaskManager } from '@brokkr/core';
import { controlSignal } from '@brokkr/core/adapter';
import { afterEach, describe, expect, it } from 'vitest';
import { workerBench } from '../worker/worker-bench.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

type End = 'on abort' | 'never' | 'with a value' | 'later';

/** A worker that runs a task which waits for its signal, and then ends in the given way. */
async function running(end: End = 'on abort', options: { readonly result?: string } = {}) {
  const { clock, broker, tm } = await workerBench();
  const reasons: unknown[] = [];
  const events: string[] = [];
  const task = tm.task({ name: 'wait', maxRetries: 3, ...options }, async () => {
    const { signal } = currentTask();
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    reasons.push(signal.reason);
    if (end === 'on abort') throw signal.reason;
    if (end === 'later') throw new RetryLater('1s');
    if (end === 'never') await new Promise(() => undefined);
    return 'done';
  });
  const worker = tm.createWorker();
  for (const event of ['succeeded', 'retrying', 'dead', 'cancelled', 'leaseLost'] as const)
    worker.on(event, ({ error }) =>
      events.push(error instanceof TaskCancelledError ? `${event} with its error` : event),
    );
  await worker.start();
  cleanUps.push(async () => {
    const closing = tm.close();
    await clock.advance(40_000);
    await closing;
  });
  const handle = await task.send();
  await clock.advance(10);
  /** Cancels, while virtual time passes. */
  const cancel = async (cancelled: TaskHandle = handle, boundMs = 3_000) => {
    const answer = cancelled.cancel({ running: true });
    await clock.advance(boundMs);
    return answer;
  };
  return { clock, broker, tm, task, handle, worker, reasons, events, cancel };
}

describe('cancel({ running: true })', () => {
  it.each<End>(['on abort', 'with a value', 'later'])(
    'aborts a running task that ends %s: no attempt, no retry',
    async (end) => {
      const { clock, broker, reasons, events, cancel } = await running(end);
      expect(await cancel(undefined, 0)).toBe(true);
      await clock.advance(3_600_000);
      expect(reasons).toEqual([expect.any(TaskCancelledError)]);
      expect(events).toEqual(['cancelled with its error']);
      expect(await broker.inspector.counts('default')).toMatchObject({
        cancelled: 1,
        dead: 0,
        delayed: 0,
        running: 0,
      });
    },
  );

  it('frees the slot of a handler that ignores its signal', async () => {
    const { clock, broker, events, cancel } = await running('never');
    expect(await cancel(undefined, 0)).toBe(true);
    expect(await broker.inspector.counts('default')).toMatchObject({ running: 1 });
    await clock.advance(5_010);
    expect(events).toEqual(['cancelled with its error']);
    expect(await broker.inspector.counts('default')).toMatchObject({ cancelled: 1, running: 0 });
  });

  it('is true again for a task that is being cancelled', async () => {
    const { cancel } = await running('never');
    expect(await cancel(undefined, 0)).toBe(true);
    expect(await cancel(undefined, 0)).toBe(true);
  });

  it('removes a message that has not started', async () => {
    const { task, cancel, broker } = await running();
    const delayed = await task.with({ delay: '1h' }).send();
    expect(await cancel(delayed, 0)).toBe(true);
    expect(await broker.inspector.counts('default')).toMatchObject({ cancelled: 1, delayed: 0, running: 1 });
  });

  it('is false at once for a message that has ended, and for one that never was', async () => {
    const { task, handle, cancel } = await running();
    await cancel();
    expect(await cancel(handle, 0)).toBe(false);
    expect(await cancel(task.handle('never-sent'), 0)).toBe(false);
  });

  it('is false after two seconds if no worker answers', async () => {
    const { clock, broker, handle } = await running();
    const { signals } = broker;
    Object.defineProperty(broker, 'signals', { value: { ...signals, send: async () => undefined } });
    const answer = handle.cancel({ running: true });
    let answered: boolean | undefined;
    void answer.then((value) => (answered = value));
    await clock.advance(1_900);
    expect(answered).toBeUndefined();
    await clock.advance(200);
    expect(answered).toBe(false);
  });

  it('does not abort a task of the same id on another queue', async () => {
    const { task, handle, reasons, cancel } = await running();
    expect(await cancel(task.handle(handle.id, { queue: 'other' }), 0)).toBe(false);
    expect(reasons).toEqual([]);
  });

  it('ends the message for good while its worker stops', async () => {
    const { clock, broker, worker, handle } = await running('never');
    const stopping = worker.stop({ timeout: '6s' });
    await clock.advance(1_500);
    expect(await Promise.race([handle.cancel({ running: true }), clock.advance(3_000)])).toBe(true);
    await clock.advance(10_000);
    expect(await stopping).toEqual({ interrupted: 0 });
    expect(await broker.inspector.counts('default')).toMatchObject({ cancelled: 1, ready: 0 });
  });

  it('is refused on a broker without signals, before anything is removed', async () => {
    const broker = new MemoryBroker();
    Object.defineProperty(broker, 'signals', { value: undefined });
    const tm = TaskManager.getInstance('cancel-without-signals').configure({ broker, logLevel: 'silent' });
    cleanUps.push(() => tm.close());
    const task = tm.task({ name: 'wait' }, async () => undefined);
    const handle = await task.send();
    await expect(handle.cancel({ running: true })).rejects.toMatchObject({ code: 'CANCEL_UNSUPPORTED' });
    expect(await broker.inspector.counts('default')).toMatchObject({ ready: 1 });
    expect(await handle.cancel()).toBe(true);
  });

  it('checks its options', async () => {
    const { handle } = await running();
    await expect(handle.cancel({ runing: true } as never)).rejects.toThrow(/did you mean `running`/);
    await expect(handle.cancel({ running: 1 as never })).rejects.toThrow(/running must be true or false; got 1/);
  });
});

describe('cancel() without options', () => {
  it('leaves a running task alone', async () => {
    const { handle, reasons, cancel } = await running();
    expect(await handle.cancel()).toBe(false);
    expect(reasons).toEqual([]);
    await cancel();
  });
});

describe('the result of a cancelled task', () => {
  it('is an error at once, if it was cancelled before it started', async () => {
    const { task } = await running('on abort', { result: '1h' });
    const waiting = await task.with({ delay: '1h' }).send();
    await waiting.cancel();
    await expect(waiting.result()).rejects.toMatchObject({ name: 'TaskCancelledError', code: 'TASK_CANCELLED' });
    expect(await waiting.status()).toEqual({ state: 'cancelled' });
  });

  it('is an error if it was cancelled while it ran', async () => {
    const { clock, handle, cancel } = await running('with a value', { result: '1h' });
    await cancel();
    await clock.advance(10);
    await expect(handle.result()).rejects.toThrow(TaskCancelledError);
    expect(await handle.status()).toEqual({ state: 'cancelled' });
  });
});

it('signals that are not control signals, or hold wrong values, change nothing', async () => {
  const { clock, broker, reasons, handle, cancel } = await running();
  const { topic } = controlSignal('cancel', { queue: 'default', id: handle.id });
  for (const body of ['', 'null', '[]', '{"queue":"default"}', '{"queue":1,"id":{}}', `{"id":"${handle.id}"}`])
    await broker.signals.send({ topic, body });
  await broker.signals.send({ topic: 'constructor', body: '{}' });
  await clock.advance(10);
  expect(reasons).toEqual([]);
  expect(await cancel()).toBe(true);
});
