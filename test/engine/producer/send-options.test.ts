import { randomUUID } from 'node:crypto';
import { currentTask, TaskManager } from '@brokkr/core';
import { afterEach, describe, expect, it } from 'vitest';
import { type TestApp, testApp } from '@brokkr/broker-memory/testing';

const open: TestApp[] = [];
afterEach(async () => {
  for (const app of open.splice(0)) await app.close();
});

function manager(): TaskManager {
  return TaskManager.getInstance(`send-${randomUUID()}`);
}

function appFor(task: object): TestApp {
  const app = testApp({ tasks: [task] });
  open.push(app);
  return app;
}

/** A task that notes when it ran, and its application. */
function noting() {
  const ranAt: number[] = [];
  const task = manager().task({ name: 'note' }, async () => void ranAt.push(app.now().getTime()));
  const app = appFor(task);
  return { task, app, ranAt, now: () => app.now().getTime() };
}

const MINUTE = 60_000;

describe('the time at which a message runs', () => {
  it('is its `eta`', async () => {
    const { task, app, ranAt, now } = noting();
    const eta = new Date(now() + 90 * MINUTE);
    await task.with({ eta }).send();
    await app.drain();
    expect(ranAt).toEqual([eta.getTime()]);
  });

  it('is now if its `eta` is in the past', async () => {
    const { task, app, ranAt, now } = noting();
    const sentAt = now();
    await task.with({ eta: new Date(sentAt - MINUTE) }).send();
    await app.drain();
    expect(ranAt).toEqual([sentAt]);
  });

  it('is within `expiresIn`, counted from when it is due', async () => {
    const { task, app, ranAt, now } = noting();
    const dueAt = now() + 60 * MINUTE;
    await task.with({ delay: '1h', expiresIn: '10m' }).send();
    await task.with({ eta: new Date(dueAt), expiresIn: '10m' }).send();
    await app.drain();
    expect(ranAt).toEqual([dueAt, dueAt]);
    await task.with({ delay: '1h', expiresIn: '10m' }).send();
    await app.clock.advance(71 * MINUTE);
    await app.drain();
    expect(ranAt).toHaveLength(2);
    expect(app.dead('default')).toEqual([]);
  });
});

describe('options given to `with`', () => {
  it('add headers to those of an earlier `with`; for equal names the later one counts', async () => {
    const seen: unknown[] = [];
    const task = manager().task({ name: 'headed' }, async () => void seen.push(currentTask().headers));
    const app = appFor(task);
    await task
      .with({ headers: { tenant: 'a', traceId: 't-1' } })
      .with({ headers: { traceId: 't-2', user: 'u' } })
      .send();
    await app.drain();
    expect(seen).toEqual([{ tenant: 'a', traceId: 't-2', user: 'u' }]);
  });

  it('take precedence over the task with `maxRetries`', async () => {
    const task = manager().task({ name: 'failing', maxRetries: 5 }, async (_case: string) => {
      throw new Error('no');
    });
    const app = appFor(task);
    await task.with({ maxRetries: 1 }).send('fewer');
    await task.with({ maxRetries: 6 }).send('more');
    await app.drain();
    expect(app.dead('default').map(({ args, attempts }) => [args[0], attempts.length])).toEqual([
      ['fewer', 2],
      ['more', 7],
    ]);
  });

  it('take precedence over the task with `timeout`', async () => {
    const endedAt: number[] = [];
    const task = manager().task({ name: 'endless', timeout: '10m', maxRetries: 0 }, async () => {
      const { signal } = currentTask();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      endedAt.push(app.now().getTime());
    });
    const app = testApp({ tasks: [task], settleWithin: '20ms' });
    open.push(app);
    const startedAt = app.now().getTime();
    await task.with({ timeout: '3s' }).send();
    await app.drain();
    expect(endedAt).toEqual([startedAt + 3_000]);
  });
});

describe('an `idempotencyKey`', () => {
  it('belongs to its task, even if the names of tasks are similar', async () => {
    const tm = manager();
    const pay = tm.task({ name: 'pay' }, async () => undefined);
    const refund = tm.task({ name: 'pay:refund' }, async () => undefined);
    appFor(pay);
    expect((await pay.with({ idempotencyKey: 'refund:7' }).send()).isNew).toBe(true);
    expect((await refund.with({ idempotencyKey: '7' }).send()).isNew).toBe(true);
    expect((await refund.with({ idempotencyKey: '7' }).send()).isNew).toBe(false);
  });
});

describe('the wait between two attempts', () => {
  it('grows to an hour at most, unless the task has another limit', async () => {
    const ranAt: number[] = [];
    const task = manager().task({ name: 'failing', maxRetries: 4, retryDelay: '20m' }, async () => {
      ranAt.push(app.now().getTime());
      throw new Error('no');
    });
    const app = appFor(task);
    await task.send();
    await app.drain();
    const waits = ranAt.slice(1).map((at, index) => (at - (ranAt[index] as number)) / MINUTE);
    expect(waits).toEqual([20, 40, 60, 60]);
  });
});
