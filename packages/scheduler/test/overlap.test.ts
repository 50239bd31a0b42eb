import { MemoryBroker } from '@brokkr/broker-memory';
import { ConfigError, type Worker } from '@brokkr/core';
import type { ManualClock } from '@brokkr/core/testing';
import { describe, expect, it } from 'vitest';
import type { SchedulerManager } from '../src/index.ts';
import { bench, ElectingOnly, onCleanUp, type Place, place, sent } from './bench.ts';

async function start({ clock, broker }: Place): Promise<SchedulerManager> {
  const { tm, scheduler } = bench();
  tm.configure({ broker, clock, logLevel: 'silent' });
  const slow = tm.task({ name: 'slow', queueName: 'q' }, async () => undefined);
  scheduler.addJob({ id: 's', func: slow.send, trigger: 'interval', seconds: 10, overlap: 'skip' });
  await scheduler.start();
  return scheduler;
}

/** A worker in another process, and a function that ends its runs. */
async function work({ clock, broker }: Place): Promise<{ worker: Worker; end: (error?: Error) => void }> {
  const { tm } = bench();
  tm.configure({ broker, clock, logLevel: 'silent', maxRetries: 1, retryDelay: '15s' });
  let end: (error?: Error) => void = () => undefined;
  tm.task({ name: 'slow', queueName: 'q', timeout: '7d' }, () => {
    return new Promise<void>((resolve, reject) => {
      end = (error) => (error === undefined ? resolve() : reject(error));
    });
  });
  const worker = tm.createWorker({ queues: ['q'], concurrency: 1 });
  await worker.start();
  onCleanUp(async () => {
    end();
    await worker.stop({ timeout: 0 });
  });
  return { worker, end: (error) => end(error) };
}

describe.each([
  ['on a broker that knows its messages by id', (clock: ManualClock) => new MemoryBroker({ clock })],
  ['on a broker that does not', (clock: ManualClock) => new ElectingOnly({ clock })],
])("overlap: 'skip' %s", (_, make) => {
  it('holds during retries, and if another scheduler takes over', async () => {
    const given = place(make);
    const { end } = await work(given);
    const first = await start(given);
    await given.clock.advance(25_000);
    expect(await sent(given)).toBe(1);
    await first.stop();
    const second = await start(given);
    await given.clock.advance(10_000);
    expect(await sent(given)).toBe(1);
    // The first attempt fails and the second has not begun: the message has not ended.
    end(new Error('once'));
    await given.clock.advance(10_000);
    expect(await sent(given)).toBe(1);
    await given.clock.advance(10_000);
    end();
    await given.clock.advance(10_000);
    expect(await sent(given)).toBe(2);
    await second.stop();
  });

  it('ends when the message becomes a dead letter', async () => {
    const given = place(make);
    const { end } = await work(given);
    await start(given);
    await given.clock.advance(10_000);
    end(new Error('once'));
    await given.clock.advance(15_000);
    end(new Error('twice'));
    await given.clock.advance(10_000);
    expect(await sent(given)).toBe(2);
  });

  it('ends when the message is purged: at once, or when the job is resumed', async () => {
    const given = place(make);
    const scheduler = await start(given);
    await given.clock.advance(25_000);
    expect(await sent(given)).toBe(1);
    await given.broker.inspector.purge('q');
    if (!given.broker.messages) {
      await given.clock.advance(10_000);
      expect(await sent(given)).toBe(1);
      await scheduler.pauseJob('s');
      await scheduler.resumeJob('s');
    }
    await given.clock.advance(10_000);
    expect(await sent(given)).toBe(2);
  });

  it('is not blocked by a tick that could not be sent', async () => {
    const given = place(make);
    const { broker, clock } = given;
    await start(given);
    const real = broker.publish.bind(broker);
    broker.publish = () => Promise.reject(new Error('away'));
    await clock.advance(100_000);
    broker.publish = real;
    await clock.advance(10_000);
    expect(await sent(given)).toBe(1);
  });
});

it('a message that the broker does not know by id counts as ended after a day', async () => {
  const given = place((clock) => new ElectingOnly({ clock }));
  await start(given);
  await given.clock.advance(10_000);
  await given.broker.inspector.purge('q');
  await given.clock.advance(86_399_000);
  expect(await sent(given)).toBe(1);
  await given.clock.advance(11_000);
  expect(await sent(given)).toBe(2);
});

describe("overlap: 'skip' on a broker that stores no state", () => {
  class Stateless extends MemoryBroker {
    override readonly states = undefined as never;
  }

  it('rejects start(), naming the job, and nothing runs', async () => {
    const given = place((clock) => new Stateless({ clock }));
    const starting = start(given);
    await expect(starting).rejects.toThrow(ConfigError);
    await expect(starting).rejects.toThrow(/job "s": overlap 'skip' needs a broker that stores state/);
    await given.clock.advance(60_000);
    expect(await sent(given)).toBe(0);
  });

  it('is refused by addJob(), if the scheduler runs', async () => {
    const { clock, broker } = place((own) => new Stateless({ clock: own }));
    const { tm, scheduler } = bench();
    tm.configure({ broker, clock, logLevel: 'silent' });
    const task = tm.task({ name: 't' }, async () => undefined);
    await scheduler.start();
    const add = () => scheduler.addJob({ id: 'x', func: task.send, trigger: 'interval', seconds: 1, overlap: 'skip' });
    expect(add).toThrow(/job "x": overlap 'skip' needs/);
    expect(scheduler.getJobs()).toEqual([]);
  });
});
