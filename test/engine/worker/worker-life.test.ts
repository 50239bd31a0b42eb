import { randomUUID } from 'node:crypto';
import { currentTask, type ShutdownError, TaskManager } from '@brokkr/core';
import { ManualClock } from '@brokkr/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { MemoryBroker } from '@brokkr/broker-memory';

const managers: TaskManager[] = [];
afterEach(async () => {
  for (const manager of managers.splice(0)) await manager.close();
});

async function setUp() {
  const clock = new ManualClock();
  const broker = new MemoryBroker({ clock });
  const tm = TaskManager.getInstance(`life-${randomUUID()}`);
  managers.push(tm);
  await tm.initialize({ broker, clock, logLevel: 'silent' });
  return { tm, clock, broker };
}

describe('the hooks of a worker', () => {
  it('are awaited: start hooks before it fetches, stop hooks in reverse order once no task runs', async () => {
    const { tm, clock } = await setUp();
    const calls: string[] = [];
    for (const name of ['database', 'cache']) {
      tm.onStart(async () => void calls.push(`open ${name}`));
      tm.onStop(async () => void calls.push(`close ${name}`));
    }
    const task = tm.task({ name: 'work' }, async () => void calls.push('ran'));
    await task.send();
    const worker = tm.createWorker();
    await worker.start();
    await clock.advance(10);
    await worker.stop();
    expect(calls).toEqual(['open database', 'open cache', 'ran', 'close cache', 'close database']);
  });
});

describe('the events of a worker', () => {
  it('reach a listener of `once` one time, and a listener of `on` each time', async () => {
    const { tm, clock } = await setUp();
    const heard: string[] = [];
    const task = tm.task({ name: 'work' }, async () => undefined);
    const worker = tm.createWorker();
    worker.once('succeeded', ({ name }) => heard.push(`once ${name}`)).on('succeeded', () => heard.push('on'));
    await worker.start();
    for (const _ of ['first', 'second']) {
      await task.send();
      await clock.advance(10);
    }
    expect(heard).toEqual(['once work', 'on', 'on']);
  });
});

describe('a worker that stops', () => {
  it('aborts the signals of its handlers 5 s before its time ends', async () => {
    const { tm, clock } = await setUp();
    const told: unknown[] = [];
    const task = tm.task({ name: 'patient' }, async () => {
      const { signal } = currentTask();
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          told.push(clock.now(), (signal.reason as ShutdownError).code);
          reject(signal.reason);
        });
      });
    });
    const worker = tm.createWorker();
    await worker.start();
    await task.send();
    await clock.advance(10);
    const stoppedAt = clock.now();
    const stopping = worker.stop({ timeout: '20s' });
    await clock.advance(14_999);
    expect(told).toEqual([]);
    await clock.advance(1);
    expect(told).toEqual([stoppedAt + 15_000, 'WORKER_SHUTDOWN']);
    expect(await stopping).toEqual({ interrupted: 1 });
  });

  it('leaves no timer that keeps the process alive, even if its manager is still open', async () => {
    const { tm, clock } = await setUp();
    const task = tm.task({ name: 'work' }, async () => undefined);
    const worker = tm.createWorker();
    await worker.start();
    await task.send();
    await clock.advance(10);
    await worker.stop();
    expect(clock.nextDueAt()).toBeUndefined();
  });

  it('lets the leases of unsettled messages expire', async () => {
    const { clock, broker } = await setUp();
    const envelope = { id: 'a', queue: 'q', body: Buffer.from('[]'), headers: {} };
    await broker.publish([envelope]);
    const options = { signal: new AbortController().signal, wait: false };
    const subscription = await broker.subscribe('q', { leaseMs: 1_000, prefetch: 1 });
    expect(await subscription.receive(1, options)).toHaveLength(1);
    await subscription.close();
    await clock.advance(1_000);
    const another = await broker.subscribe('q', { leaseMs: 1_000, prefetch: 1 });
    expect(await another.receive(1, options)).toMatchObject([{ envelope: { id: 'a' }, crashes: 1 }]);
  });
});
