import { MemoryBroker } from '@brokkr/broker-memory';
import { ConfigError, type Worker } from '@brokkr/core';
import { ManualClock } from '@brokkr/core/testing';
import { describe, expect, it } from 'vitest';
import type { SchedulerManager } from '../src/index.ts';
import { bench, ElectingOnly, onCleanUp } from './bench.ts';

interface Place {
  readonly clock: ManualClock;
  readonly broker: MemoryBroker;
}

function place(make: (clock: ManualClock) => MemoryBroker): Place {
  const clock = new ManualClock();
  const broker = make(clock);
  onCleanUp(() => broker.close());
  return { clock, broker };
}

async function start({ clock, broker }: Place): Promise<SchedulerManager> {
  const { tm, scheduler } = bench();
  tm.configure({ broker, clock, logLevel: 'silent' });
  const slow = tm.task({ name: 'slow', queueName: 'q' }, async () => undefined);
  scheduler.addJob({ id: 's', func: slow.send, trigger: 'interval', seconds: 10, overlap: 'skip' });
  await scheduler.start();
  return scheduler;
}

/** A worker elsewhere, and how its runs are ended. */
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

async function sent({ broker }: Place): Promise<number | undefined> {
  return (await broker.inspector.counts('q')).published;
}

describe.each([
  ['by the id of the last message', (clock: ManualClock) => new MemoryBroker({ clock })],
  ['by what the worker tells', (clock: ManualClock) => new ElectingOnly({ clock })],
])("overlap: 'skip' %s", (_, make) => {
  it('holds over retries, and over schedulers that come and go', async () => {
    const given = place(make);
    const { end } = await work(given);
    const first = await start(given);
    await given.clock.advance(25_000);
    expect(await sent(given)).toBe(1);
    await first.stop();
    const second = await start(given);
    await given.clock.advance(10_000);
    expect(await sent(given)).toBe(1);
    // The first attempt fails, and the second has not begun: the message has not ended.
    end(new Error('once'));
    await given.clock.advance(10_000);
    expect(await sent(given)).toBe(1);
    await given.clock.advance(10_000);
    end();
    await given.clock.advance(10_000);
    expect(await sent(given)).toBe(2);
    await second.stop();
  });

  it('ends with a message that dies', async () => {
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

  it('ends with a message that never starts, at once or when the job is resumed', async () => {
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

  it('is not held up by a tick that could not be sent', async () => {
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

it('a message that nobody can be asked about is taken for ended after a day', async () => {
  const given = place((clock) => new ElectingOnly({ clock }));
  await start(given);
  await given.clock.advance(10_000);
  await given.broker.inspector.purge('q');
  await given.clock.advance(86_399_000);
  expect(await sent(given)).toBe(1);
  await given.clock.advance(11_000);
  expect(await sent(given)).toBe(2);
});

describe('where the broker keeps no state', () => {
  class Stateless extends MemoryBroker {
    override readonly states = undefined as never;
  }

  it('start() names the job, and nothing runs', async () => {
    const given = place((clock) => new Stateless({ clock }));
    const starting = start(given);
    await expect(starting).rejects.toThrow(ConfigError);
    await expect(starting).rejects.toThrow(/job "s": overlap 'skip' needs a broker that keeps state/);
    await given.clock.advance(60_000);
    expect(await sent(given)).toBe(0);
  });

  it('addJob() names it once the scheduler runs', async () => {
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
