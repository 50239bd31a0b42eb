import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { testApp } from '@brokkr/broker-memory/testing';
import { PermanentError, TaskManager } from '@brokkr/core';
import { ManualClock } from '@brokkr/core/testing';
import { describe, expect, it } from 'vitest';

function manager(): { readonly tm: TaskManager; readonly clock: ManualClock } {
  const clock = new ManualClock();
  const tm = TaskManager.getInstance(`events-${randomUUID()}`);
  return { tm: tm.configure({ broker: new MemoryBroker({ clock }), clock, logLevel: 'silent' }), clock };
}

describe('tm.on', () => {
  it('gets the events of every worker of the manager, also of workers that are created later', async () => {
    const { tm, clock } = manager();
    const seen: string[] = [];
    const task = tm.task({ name: 'job' }, async (queue: string) => {
      if (queue === 'b') throw new PermanentError('no');
    });
    tm.on('succeeded', ({ queue }) => seen.push(`succeeded ${queue}`));
    tm.on('dead', ({ queue, error }) => seen.push(`dead ${queue}: ${(error as Error).message}`));
    tm.on('started', () => seen.push('started'));
    for (const queue of ['a', 'b']) await tm.createWorker({ queues: [queue] }).start();
    for (const queue of ['a', 'b']) await task.with({ queueName: queue }).send(queue);
    await clock.advance(10);
    expect(seen).toEqual(['started', 'started', 'succeeded a', 'dead b: no']);
    await tm.close();
  });

  it('reports that workers obey a pause, on the worker and on the manager', async () => {
    const { tm, clock } = manager();
    const seen: unknown[] = [];
    const worker = tm.createWorker({ queues: ['a', 'b'] });
    worker.on('paused', (event) => seen.push(['worker paused', event]));
    tm.on('paused', (event) => seen.push(['paused', event])).on('resumed', (event) => seen.push(['resumed', event]));
    await worker.start();
    await tm.queue('a').pause();
    await tm.queue('a').pause();
    await clock.advance(0);
    await tm.queue('a').resume();
    await clock.advance(0);
    expect(seen).toEqual([
      ['worker paused', { queue: 'a' }],
      ['paused', { queue: 'a' }],
      ['resumed', { queue: 'a' }],
    ]);
    await tm.close();
  });

  it('ends with off, and after one event with once; a listener that throws changes nothing', async () => {
    const { tm, clock } = manager();
    const seen: string[] = [];
    const listener = () => seen.push('always');
    const task = tm.task({ name: 'job' }, async () => undefined);
    tm.on('succeeded', () => {
      throw new Error('a listener');
    });
    tm.on('succeeded', listener).once('succeeded', () => seen.push('once'));
    await tm.createWorker().start();
    await task.send();
    await clock.advance(10);
    await task.send();
    await clock.advance(10);
    tm.off('succeeded', listener);
    await task.send();
    await clock.advance(10);
    expect(seen).toEqual(['always', 'once', 'always']);
    await tm.close();
  });

  it('gets the events of the workers of a test', async () => {
    const { tm } = manager();
    const seen: string[] = [];
    const task = tm.task({ name: 'job' }, async () => undefined);
    tm.on('succeeded', ({ name }) => seen.push(name));
    const app = testApp({ tasks: [task] });
    await task.send();
    await app.drain();
    await app.close();
    expect(seen).toEqual(['job']);
  });

  it('refuses an unknown event with the nearest one, and a listener that is not a function', () => {
    const { tm } = manager();
    for (const method of ['on', 'once', 'off'] as const) {
      expect(() => tm[method]('canceled' as 'cancelled', () => undefined)).toThrow(
        expect.objectContaining({ code: 'EVENT_UNKNOWN', message: expect.stringMatching(`tm.${method}: .*cancelled`) }),
      );
      expect(() => tm[method]('dead', 'x' as never)).toThrow(expect.objectContaining({ code: 'LISTENER_INVALID' }));
    }
  });
});
