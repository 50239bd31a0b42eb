import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { testApp } from '@brokkr/broker-memory/testing';
import { type Broker, currentTask, TaskManager, type TaskOptions, type WorkerOptions } from '@brokkr/core';
import type { Delivery, Settlement } from '@brokkr/core/adapter';
import { ManualClock } from '@brokkr/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { aSecondOfWork } from './worker-bench.ts';

const managers: TaskManager[] = [];
afterEach(() => Promise.all(managers.splice(0).map((manager) => manager.close())));

function bench(change: (broker: MemoryBroker) => Broker = (broker) => broker) {
  const clock = new ManualClock();
  const memory = new MemoryBroker({ clock });
  const tm = TaskManager.getInstance(`lanes-${randomUUID()}`);
  tm.configure({ broker: change(memory), clock, logLevel: 'silent', lease: '30s' });
  managers.push(tm);
  const events: string[] = [];
  const started = async (options?: WorkerOptions) => {
    const worker = tm.createWorker(options);
    for (const event of ['succeeded', 'retrying', 'dead', 'leaseLost'] as const)
      worker.on(event, ({ queue }) => events.push(`${event} ${queue}`));
    await worker.start();
    return worker;
  };
  return { clock, memory, tm, events, started };
}

const RANKED = { name: 'mail', queueName: 'emails', priorities: true } as const;

describe('a queue without priorities', () => {
  it('has one subscription, and its messages are handled as before', async () => {
    const subscribed: string[] = [];
    const { clock, tm, started } = bench((broker) => ({
      ...broker,
      publish: broker.publish.bind(broker),
      close: broker.close.bind(broker),
      subscribe: async (queue, options) => {
        subscribed.push(queue);
        return broker.subscribe(queue, options);
      },
    }));
    const plain = tm.task({ name: 'plain', queueName: 'jobs' }, () => undefined);
    tm.task(RANKED, () => undefined);
    await started({ queues: ['jobs'] });
    await plain.send();
    await clock.advance(100);
    expect(subscribed).toEqual(['jobs']);
    await started({ queues: ['emails'] });
    expect(subscribed).toEqual(['jobs', 'emails.prio.high', 'emails', 'emails.prio.low']);
  });
});

describe('lanes beside other queues', () => {
  it('leave the weights of the worker as they are, whatever lane is busy', async () => {
    const { clock, tm, started } = bench();
    const ran: string[] = [];
    const busy = async (queue: string) => {
      ran.push(queue);
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 10));
    };
    const mail = tm.task(RANKED, () => busy('emails'));
    const pdf = tm.task({ name: 'pdf', queueName: 'pdf' }, () => busy('pdf'));
    await mail.with({ priority: 'low' }).sendMany(Array.from({ length: 300 }, () => []));
    await pdf.sendMany(Array.from({ length: 300 }, () => []));
    await started({ queues: { emails: 3, pdf: 1 }, concurrency: 8 });
    while (ran.length < 200) await aSecondOfWork(clock);
    const share = ran.slice(0, 200).filter((queue) => queue === 'emails').length / 200;
    expect(share).toBeCloseTo(0.75, 1);
  });
});

describe('a message in a lane', () => {
  it('is one of its queue for handlers, middleware, events and metrics', async () => {
    const { clock, tm, events, started } = bench();
    const seen: string[] = [];
    tm.use({
      name: 'watch',
      handle: async ({ message }, next) => {
        seen.push(`middleware ${message.queue}`);
        return next();
      },
    });
    const mail = tm.task({ ...RANKED, maxRetries: 1, retryDelay: '1s' }, () => {
      seen.push(`handler ${currentTask().queue}`);
      if (currentTask().attempt === 1) throw new Error('first');
    });
    await started({ queues: ['emails'] });
    expect((await mail.with({ priority: 'high' }).send()).queue).toBe('emails');
    for (let second = 0; second < 3; second++) await aSecondOfWork(clock);
    expect(new Set(seen)).toEqual(new Set(['middleware emails', 'handler emails']));
    expect(events).toEqual(['retrying emails', 'succeeded emails']);
    expect(tm.metrics()).toMatch(/queue="emails"/);
    expect(tm.metrics()).not.toMatch(/queue="emails\.prio/);
  });

  it('is found and cancelled by its id in any process', async () => {
    const { clock, memory, tm } = bench();
    const mail = tm.task({ ...RANKED, result: '1h' }, () => undefined);
    const sent = await mail.with({ priority: 'low', delay: '1h' }).send();
    expect(await sent.status()).toMatchObject({ state: 'delayed' });
    const other = mail.handle(sent.id);
    expect(await other.status()).toMatchObject({ state: 'delayed' });
    expect(await other.cancel()).toBe(true);
    expect(await memory.inspector.counts('emails.prio.low')).toMatchObject({ delayed: 0, cancelled: 1 });
    await clock.advance(100);
    expect(await sent.status()).toMatchObject({ state: 'cancelled' });
  });

  it('is aborted while it runs', async () => {
    const { clock, tm, started } = bench();
    const mail = tm.task(
      RANKED,
      () =>
        new Promise<void>((_, reject) => {
          const { signal } = currentTask();
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    );
    await started({ queues: ['emails'] });
    const { id } = await mail.with({ priority: 'high' }).send();
    await clock.advance(100);
    const cancelling = mail.handle(id).cancel({ running: true });
    await clock.advance(1_000);
    expect(await cancelling).toBe(true);
  });

  it('keeps its idempotency key in its lane: another priority is another message', async () => {
    const { tm } = bench();
    const mail = tm.task(RANKED, () => undefined);
    const high = mail.with({ priority: 'high', idempotencyKey: 'k' });
    const first = await high.send();
    expect(await high.send()).toMatchObject({ id: first.id, isNew: false });
    expect(await mail.with({ priority: 'low', idempotencyKey: 'k' }).send()).toMatchObject({ isNew: true });
  });
});

describe('settlements of several lanes', () => {
  it('are repeated only for the lane that did not answer, so that each message ends once', async () => {
    let fails = 1;
    const settled: string[] = [];
    const { clock, tm, events, started } = bench((broker) => ({
      ...broker,
      publish: broker.publish.bind(broker),
      close: broker.close.bind(broker),
      subscribe: async (queue, options) => {
        const inner = await broker.subscribe(queue, options);
        return {
          receive: inner.receive.bind(inner),
          extend: inner.extend.bind(inner),
          close: inner.close.bind(inner),
          settle: async (settlements: readonly Settlement[]): Promise<readonly Delivery[]> => {
            if (queue === 'emails' && fails-- > 0) throw new Error('no answer');
            settled.push(...settlements.map(() => queue));
            return inner.settle(settlements);
          },
        };
      },
    }));
    const mail = tm.task(RANKED, () => undefined);
    await mail.send();
    await mail.with({ priority: 'high' }).send();
    await started({ queues: ['emails'], concurrency: 5 });
    for (let second = 0; second < 3; second++) await aSecondOfWork(clock);
    expect(settled.toSorted()).toEqual(['emails', 'emails.prio.high']);
    expect(events).toEqual(['succeeded emails', 'succeeded emails']);
  });
});

describe('tm.queue of a queue with lanes', () => {
  it('counts the sum and each lane, also in a process that does not know the task', async () => {
    const { memory, clock, tm } = bench();
    const mail = tm.task(RANKED, () => undefined);
    await mail.sendMany([[], []]);
    await mail.with({ priority: 'high' }).send();
    const stranger = TaskManager.getInstance(`lanes-${randomUUID()}`);
    stranger.configure({ broker: memory, clock, logLevel: 'silent' });
    for (const manager of [tm, stranger]) {
      expect(await manager.queue('emails').counts()).toMatchObject({
        ready: 3,
        published: 3,
        lanes: { high: { ready: 1 }, normal: { ready: 2 }, low: { ready: 0 } },
      });
    }
    expect(await stranger.queue('emails').purge()).toBe(3);
    await stranger.close();
  });

  it('counts a queue without lanes as before', async () => {
    const { tm } = bench();
    await tm.task({ name: 'plain' }, () => undefined).send();
    expect(await tm.queue('default').counts()).not.toHaveProperty('lanes');
  });
});

describe('testApp', () => {
  it('runs the messages of all lanes, and shows their dead letters by queue', async () => {
    const tm = TaskManager.getInstance(`lanes-${randomUUID()}`);
    const ran: string[] = [];
    const mail = tm.task({ ...RANKED, maxRetries: 0 }, async (name: string) => {
      ran.push(name);
      if (name === 'bad') throw new Error('refused');
    });
    const app = testApp({ tasks: [mail], concurrency: 1 });
    await mail.with({ priority: 'low' }).send('low');
    await mail.with({ priority: 'high' }).send('bad');
    await mail.send('normal');
    await app.drain();
    expect(ran.toSorted()).toEqual(['bad', 'low', 'normal']);
    expect(app.dead('emails')).toMatchObject([{ args: ['bad'] }]);
    await app.close();
  });
});

describe('bad input', () => {
  const tm = TaskManager.getInstance(`lanes-${randomUUID()}`);
  const ranked = tm.task(RANKED, () => undefined);
  const plain = tm.task({ name: 'plain' }, () => undefined);

  it.each([
    [() => plain.with({ priority: 'high' }), 'PRIORITY_WITHOUT_LANES', /^task plain: priority needs lanes/],
    [() => plain.with({ priority: 'normal' }), 'PRIORITY_WITHOUT_LANES', /^task plain: priority/],
    [() => ranked.with({ priority: 'urgent' as 'high' }), 'PRIORITY_INVALID', /got "urgent"$/],
    [() => ranked.with({ priority: 1 as never }), 'PRIORITY_INVALID', /got 1$/],
    [
      () => ranked.with({ priority: 'high', queueName: 'x' }),
      'SEND_OPTIONS_CONFLICT',
      /^task mail: priority and queueName/,
    ],
    [
      () => tm.task({ name: 'x', priorities: 'yes' as never }, () => undefined),
      'PRIORITIES_INVALID',
      /^task x: .*"yes"$/,
    ],
    [() => tm.task({ name: 'x', queueName: 'a.prio.high' }, () => undefined), 'QUEUE_NAME_RESERVED', /\.prio\./],
    [() => tm.queue('a.prio.low'), 'QUEUE_NAME_RESERVED', /\.prio\./],
    [() => plain.with({ queueName: 'a.prio.mid' }), 'QUEUE_NAME_RESERVED', /\.prio\./],
    [() => tm.createWorker({ queues: ['a.prio.high'] }), 'QUEUE_NAME_RESERVED', /\.prio\./],
  ])('is a ConfigError: %s', (call, code, message) => {
    expect(call).toThrow(
      expect.objectContaining({ name: 'ConfigError', code, message: expect.stringMatching(message) }),
    );
  });

  it('a later normal priority replaces a high one', async () => {
    const { tm: own, memory } = bench();
    const options: TaskOptions = RANKED;
    const mail = own.task({ ...options, schema: undefined }, () => undefined);
    await mail.with({ priority: 'high' }).with({ priority: 'normal' }).send();
    expect(await memory.inspector.counts('emails')).toMatchObject({ ready: 1 });
  });
});
