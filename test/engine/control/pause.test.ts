import { randomUUID } from 'node:crypto';
import { createBroker } from '@brokkr/broker-memory';
import { type Broker, currentTask, TaskManager } from '@brokkr/core';
import { controlSignal } from '@brokkr/core/adapter';
import { ManualClock } from '@brokkr/core/testing';
import { afterEach, describe, expect, it } from 'vitest';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

/** Two processes on one memory server: each has a broker and a manager. */
function server() {
  const clock = new ManualClock();
  const url = `memory:pause-${randomUUID()}`;
  const broker = () => {
    const made = createBroker(url, { clock });
    cleanUps.push(() => made.close());
    return made;
  };
  const manager = (given: Broker = broker()) => {
    const tm = TaskManager.getInstance(`pause-${randomUUID()}`);
    cleanUps.push(async () => {
      const closing = tm.close();
      await clock.advance(10_000);
      await closing;
    });
    return tm.configure({ broker: given, clock, logLevel: 'silent' });
  };
  return { clock, broker, manager };
}

/** Runs a task on the queue `jobs`, and notes each start. */
async function running(tm: TaskManager, queues = ['jobs'], run: () => Promise<unknown> = async () => undefined) {
  const started: string[] = [];
  tm.task({ name: 'job', queueName: 'jobs' }, async () => {
    started.push(currentTask().id);
    await run();
  });
  const worker = tm.createWorker({ queues, concurrency: 2 });
  await worker.start();
  return { started, worker };
}

/** The broker without its signals: its users hear none. */
function deaf(broker: Broker, signals: Partial<Broker['signals']> = {}): Broker {
  return {
    ...broker,
    publish: broker.publish.bind(broker),
    subscribe: broker.subscribe.bind(broker),
    close: broker.close.bind(broker),
    signals: { send: async () => undefined, listen: async () => async () => undefined, ...signals },
  };
}

function jobs(tm: TaskManager) {
  return tm.get('job') ?? tm.task({ name: 'job', queueName: 'jobs' }, async () => undefined);
}

describe('a paused queue', () => {
  it('starts nothing in other processes from a moment later on, and everything once it is resumed', async () => {
    const { clock, manager } = server();
    const { started } = await running(manager());
    const sender = manager();
    await sender.queue('jobs').pause();
    await clock.advance(0);
    await jobs(sender).sendMany([[], [], []]);
    await clock.advance(30_000);
    expect(started).toEqual([]);
    expect(await sender.queue('jobs').counts()).toMatchObject({ ready: 3, running: 0 });
    await sender.queue('jobs').resume();
    await clock.advance(100);
    expect(started).toHaveLength(3);
  });

  it('lets running handlers go on', async () => {
    const { clock, manager } = server();
    let finish: () => void = () => undefined;
    const worker = manager();
    const { started } = await running(worker, ['jobs'], () => new Promise<void>((resolve) => (finish = resolve)));
    const sender = manager();
    await jobs(sender).send();
    await clock.advance(10);
    await sender.queue('jobs').pause();
    await jobs(sender).send();
    await clock.advance(10);
    expect(started).toHaveLength(1);
    finish();
    await clock.advance(10);
    expect(await sender.queue('jobs').counts()).toMatchObject({ acknowledged: 1, ready: 1, running: 0 });
  });

  it('stays paused for a worker that starts later', async () => {
    const { clock, manager } = server();
    const sender = manager();
    await sender.queue('jobs').pause();
    await jobs(sender).send();
    const { started } = await running(manager());
    await clock.advance(120_000);
    expect(started).toEqual([]);
    expect(await sender.queue('jobs').isPaused()).toBe(true);
  });

  it('does not hold up the other queues of a worker, whose weights stay the same', async () => {
    const { clock, manager } = server();
    const tm = manager();
    const seen: string[] = [];
    const other = tm.task({ name: 'other', queueName: 'others' }, async () => void seen.push('other'));
    const { started } = await running(tm, ['jobs', 'others']);
    await tm.queue('jobs').pause();
    await clock.advance(0);
    await other.sendMany([[], [], []]);
    await tm.get('job')?.send();
    await clock.advance(100);
    expect(seen).toHaveLength(3);
    expect(started).toEqual([]);
  });

  it('hands messages back that were fetched and had not started', async () => {
    const { clock, broker, manager } = server();
    const at = broker();
    let arrived: () => void = () => undefined;
    const worker = manager({
      ...deaf(at),
      signals: at.signals,
      subscribe: async (queue, options) => {
        const subscription = await at.subscribe(queue, options);
        return {
          settle: subscription.settle.bind(subscription),
          extend: subscription.extend.bind(subscription),
          close: subscription.close.bind(subscription),
          // The messages are on their way while the queue is paused.
          receive: async (limit, how) => {
            const deliveries = await subscription.receive(limit, how);
            if (deliveries.length > 0) await new Promise<void>((resolve) => (arrived = resolve));
            return deliveries;
          },
        };
      },
    });
    const { started } = await running(worker);
    const sender = manager();
    await jobs(sender).sendMany([[], []]);
    await clock.advance(10);
    await sender.queue('jobs').pause();
    await clock.advance(10);
    arrived();
    await clock.advance(10);
    expect(started).toEqual([]);
    expect(await sender.queue('jobs').counts()).toMatchObject({ ready: 2, running: 0 });
    const [first] = await sender
      .queue('jobs')
      .resume()
      .then(() => [started]);
    await clock.advance(10);
    arrived();
    await clock.advance(10);
    expect(first).toHaveLength(2);
  });

  it('is seen within a minute by a worker that missed the signal', async () => {
    const { clock, broker, manager } = server();
    const { started } = await running(manager(deaf(broker())));
    const sender = manager();
    await sender.queue('jobs').pause();
    await clock.advance(60_001);
    await jobs(sender).send();
    await clock.advance(30_000);
    expect(started).toEqual([]);
    await sender.queue('jobs').resume();
    await clock.advance(60_001);
    expect(started).toHaveLength(1);
  });

  it('is seen at once by a worker whose connection was lost and is back', async () => {
    const { clock, broker, manager } = server();
    let gap: () => void = () => undefined;
    const listen = async (_: unknown, onGap: () => void = () => undefined) => {
      gap = onGap;
      return async () => undefined;
    };
    const { started } = await running(manager(deaf(broker(), { listen })));
    const sender = manager();
    await sender.queue('jobs').pause();
    gap();
    await clock.advance(0);
    await jobs(sender).send();
    await clock.advance(1_000);
    expect(started).toEqual([]);
  });

  it('is decided by its flag: a signal alone pauses nothing', async () => {
    const { clock, broker, manager } = server();
    const { started } = await running(manager());
    await broker().signals?.send(controlSignal('pause', { queue: 'jobs', paused: true }));
    await clock.advance(0);
    await jobs(manager()).send();
    await clock.advance(10);
    expect(started).toHaveLength(1);
  });

  it('is read for all queues of a worker in one turn', async () => {
    const { clock, broker, manager } = server();
    const at = broker();
    const turns: string[][] = [];
    const states = {
      get: async (key: string) => {
        if (turns.at(-1) === undefined || isNewTurn) turns.push([]);
        isNewTurn = false;
        turns.at(-1)?.push(key);
        queueMicrotask(() => (isNewTurn = true));
        return undefined;
      },
      set: async () => undefined,
    };
    let isNewTurn = true;
    const queues = ['a', 'b', 'c'];
    await running(manager({ ...deaf(at), states }), queues);
    await clock.advance(60_001);
    expect(turns).toEqual([queues.map((queue) => `paused:${queue}`), queues.map((queue) => `paused:${queue}`)]);
  });

  it('cannot be had on a broker that keeps no state', async () => {
    const { broker, manager } = server();
    const tm = manager({ ...deaf(broker()), states: undefined });
    await expect(tm.queue('jobs').pause()).rejects.toMatchObject({
      name: 'UnsupportedFeatureError',
      code: 'PAUSE_UNSUPPORTED',
    });
  });

  it('keeps a worker from starting if its flag cannot be read', async () => {
    const { broker, manager } = server();
    const states = { get: () => Promise.reject(new Error('no answer')), set: async () => undefined };
    const tm = manager({ ...deaf(broker()), states });
    await expect(tm.createWorker({ queues: ['jobs'] }).start()).rejects.toThrow('no answer');
  });
});

describe('a quiet worker', () => {
  it('takes no messages, and takes them again once it is not quiet', async () => {
    const { clock, broker, manager } = server();
    const tm = manager();
    const { started, worker } = await running(tm);
    const signals = broker().signals;
    await signals?.send(controlSignal('quiet', { worker: 'another', quiet: true }));
    await signals?.send(controlSignal('quiet', { worker: worker.id, quiet: true }));
    await clock.advance(0);
    await tm.get('job')?.send();
    await clock.advance(1_000);
    expect(started).toEqual([]);
    expect(await tm.workers()).toMatchObject([{ id: worker.id, state: 'quiet' }]);
    await signals?.send(controlSignal('quiet', { worker: worker.id, quiet: false }));
    await clock.advance(10);
    expect(started).toHaveLength(1);
  });

  it('is made quiet and resumed by its id, from any process', async () => {
    const { clock, manager } = server();
    const { started, worker } = await running(manager());
    const other = manager();
    const quieting = other.worker(worker.id).quiet();
    await clock.advance(200);
    expect(await quieting).toBe(true);
    await jobs(other).send();
    await clock.advance(1_000);
    expect(started).toEqual([]);
    const resuming = other.worker(worker.id).resume();
    await clock.advance(200);
    expect(await resuming).toBe(true);
    expect(started).toHaveLength(1);
  });

  it('gets the signal every half second, for three seconds, until its report says that it obeys', async () => {
    const { clock, broker, manager } = server();
    const { worker } = await running(manager({ ...deaf(broker()) }));
    const sent: unknown[] = [];
    await broker().signals?.listen((signal) => sent.push(signal));
    const quieting = manager().worker(worker.id).quiet();
    await clock.advance(4_000);
    expect(await quieting).toBe(false);
    expect(sent).toHaveLength(7);
  });

  it('cannot be one that has not reported: the error names the nearest id', async () => {
    const { broker, manager } = server();
    const tm = manager();
    await expect(tm.worker('first').quiet()).rejects.toMatchObject({
      code: 'WORKER_UNKNOWN',
      message: 'unknown worker "first"; no worker has reported in the last 30 s',
    });
    const worker = tm.createWorker({ workerId: 'host:1:a', queues: ['jobs'] });
    await worker.start();
    await expect(manager().worker('host:1:b').resume()).rejects.toThrow(
      'unknown worker "host:1:b"; did you mean "host:1:a"?',
    );
    for (const id of ['', 'x'.repeat(201)]) expect(() => tm.worker(id)).toThrow('1 to 200 characters');
    const without = manager({ ...deaf(broker()), workers: undefined });
    await expect(without.worker(worker.id).quiet()).rejects.toMatchObject({ code: 'WORKERS_UNSUPPORTED' });
  });
});
