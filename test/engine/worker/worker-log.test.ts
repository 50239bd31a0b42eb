import { randomUUID } from 'node:crypto';
import { ConfigError, currentTask, RetryLater, TaskManager, type WorkerOptions } from '@brokkr/core';
import { ManualClock } from '@brokkr/core/testing';
import pino from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { MemoryBroker } from '@brokkr/broker-memory';

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

const WARN = 40;
const managers: TaskManager[] = [];
afterEach(async () => {
  for (const manager of managers.splice(0)) await manager.close();
});

async function setUp(options: { readonly deadMax?: number } = {}) {
  const lines: Line[] = [];
  const clock = new ManualClock();
  const broker = new MemoryBroker({ clock });
  const tm = TaskManager.getInstance(`log-${randomUUID()}`);
  managers.push(tm);
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line) as Line) });
  await tm.initialize({ broker, clock, logger, ...options });
  return { lines, clock, broker, tm, warnings: () => lines.filter(({ level }) => level === WARN) };
}

describe('warnings at the start of a worker', () => {
  it('report dead letters above TASK_DEAD_MAX in the queues it serves', async () => {
    const { tm, clock, warnings } = await setUp({ deadMax: 1 });
    const fail = tm.task({ maxRetries: 0, queueName: 'emails' }, async function fail() {
      throw new Error('no');
    });
    const first = tm.createWorker({ queues: ['emails'] });
    await first.start();
    expect(warnings()).toEqual([]);
    await fail.sendMany([[], []]);
    await clock.advance(1_000);
    await first.stop();
    await tm.createWorker({ queues: ['emails'] }).start();
    await expect
      .poll(warnings)
      .toMatchObject([{ queue: 'emails', dead: 2, msg: expect.stringContaining('TASK_DEAD_MAX (1)') }]);
  });

  it('report queues whose dead letters cannot be counted in one line, after the start', async () => {
    const { tm, broker, lines, warnings } = await setUp();
    const asked: (readonly string[])[] = [];
    const countsOf = async (queues: readonly string[]) => {
      asked.push(queues);
      const isStarted = lines.some(({ msg }) => msg === 'worker started');
      return queues.map((queue) => ({ queue, error: new Error(isStarted ? 'no answer' : 'counted before the start') }));
    };
    Object.assign(broker.inspector, { countsOf });
    const queues = Array.from({ length: 250 }, (_, index) => `q${index}`);
    await tm.createWorker({ queues }).start();
    await expect.poll(warnings).toMatchObject([
      {
        queue: 'q0',
        msg: expect.stringMatching(/^the dead letters of 250 of 250 queues could not be .*; the first: q0: no answer$/),
      },
    ]);
    expect(asked.map(({ length }) => length)).toEqual([100, 100, 50]);
  });

  it('nothing of a count that ends after the stop of the worker', async () => {
    const { tm, broker, warnings } = await setUp();
    let answer: (reports: readonly object[]) => void = () => undefined;
    const countsOf = () => new Promise((resolve) => (answer = resolve));
    Object.assign(broker.inspector, { countsOf });
    const worker = tm.createWorker({ queues: ['emails'] });
    await worker.start();
    await worker.stop();
    answer([{ queue: 'emails', error: new Error('connection is closed') }]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings()).toEqual([]);
  });

  it.each([
    ['reject', () => Promise.reject(new Error('no such key'))],
    ['never answer', () => new Promise<never>(() => undefined)],
  ])('nothing if counts %s, and it starts', async (_, countsOf) => {
    const { tm, broker, warnings } = await setUp();
    Object.assign(broker.inspector, { countsOf });
    await tm.createWorker().start();
    expect(warnings()).toEqual([]);
  });

  it('no dead letters of queues it does not serve, and none at the limit', async () => {
    const { tm, clock, warnings } = await setUp({ deadMax: 2 });
    const fail = tm.task({ maxRetries: 0, queueName: 'emails' }, async function fail() {
      throw new Error('no');
    });
    const first = tm.createWorker({ queues: ['emails'] });
    await first.start();
    await fail.sendMany([[], []]);
    await clock.advance(1_000);
    await first.stop();
    await tm.createWorker({ queues: ['emails', 'other'] }).start();
    expect(warnings()).toEqual([]);
  });

  it('report the tasks whose queue no worker of the process serves', async () => {
    const { tm, warnings } = await setUp();
    tm.task({ queueName: 'reports' }, async function report() {});
    tm.task(async function ping() {});
    await tm.createWorker({ queues: ['default'] }).start();
    expect(warnings().map(({ msg }) => msg)).toEqual([
      expect.stringMatching(/: report \(reports\); to serve them, run brokkr worker -q default,reports or -q all/),
    ]);
    await tm.createWorker({ queues: ['reports'] }).start();
    expect(warnings()).toHaveLength(1);
  });
});

describe('a worker that is refused', () => {
  it.each<WorkerOptions>([{ concurrency: 0 }, { strict: 1 as never }, { workerId: '' }])(
    'serves nothing, and the next one warns about its queues: %o',
    async (wrong) => {
      const { tm, warnings } = await setUp();
      tm.task({ queueName: 'reports' }, async function report() {});
      expect(() => tm.createWorker({ queues: ['reports'], ...wrong })).toThrow(ConfigError);
      await tm.createWorker({ queues: ['default'] }).start();
      expect(warnings().map(({ msg }) => msg)).toEqual([
        expect.stringMatching(/: report \(reports\); to serve them, run brokkr worker -q default,reports or -q all/),
      ]);
    },
  );
});

describe('log lines at level info', () => {
  it('are start, one line of counts for a minute with activity, and stop', async () => {
    const { tm, clock, lines } = await setUp();
    const work = tm.task({ maxRetries: 0 }, async function work(fine: boolean) {
      if (!fine) throw new Error('no');
    });
    const worker = tm.createWorker();
    await worker.start();
    await work.sendMany([[true], [true], [false]]);
    await clock.advance(59_000);
    const rates = () => lines.filter(({ msg }) => msg === 'tasks in the last minute');
    expect(rates()).toEqual([]);
    await clock.advance(2_000);
    expect(rates()).toMatchObject([{ succeeded: 2, dead: 1, retrying: 0, expired: 0, leaseLost: 0, running: 0 }]);
    await clock.advance(600_000);
    expect(rates()).toHaveLength(1);
    await work.send(true);
    await clock.advance(61_000);
    expect(rates()).toMatchObject([{}, { succeeded: 1, dead: 0 }]);
    await worker.stop();
    const info = lines.filter(({ level }) => level === 30).map(({ msg }) => msg);
    expect(info).toEqual([
      'worker started',
      'tasks in the last minute',
      'tasks in the last minute',
      'worker stopping',
      'worker stopped',
    ]);
  });
});

describe('the report about a run', () => {
  it('that failed with `undefined` is like that of any other failure', async () => {
    const { tm, clock, warnings } = await setUp();
    const task = tm.task({ maxRetries: 1 }, async function nothing() {
      throw undefined;
    });
    const worker = tm.createWorker();
    const told: string[] = [];
    for (const event of ['retrying', 'dead'] as const)
      worker.on(event, ({ attempt }) => told.push(`${event} ${attempt}`));
    await worker.start();
    await task.send();
    await clock.advance(60_000);
    expect(told).toEqual(['retrying 1', 'dead 2']);
    expect(warnings()).toMatchObject([{ error: { message: 'undefined was thrown: undefined' } }]);
  });

  it('calls the listeners of its signal within the run', async () => {
    const { tm, clock, lines } = await setUp();
    const heard: unknown[] = [];
    const task = tm.task({ maxRetries: 0, timeout: '1s' }, async function patient() {
      const { signal, id } = currentTask();
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => {
          currentTask().logger.info('told to end');
          heard.push(currentTask().id === id, (signal.reason as Error).name);
          resolve();
        });
      });
    });
    await tm.createWorker().start();
    await task.send();
    await clock.advance(1_000);
    expect(heard).toEqual([true, 'TaskTimeoutError']);
    expect(lines.find(({ msg }) => msg === 'told to end')).toMatchObject({ task: { name: 'patient', attempt: 1 } });
  });
});

describe('weights between queues, over real workers', () => {
  const SENT = 600;

  async function order(strict: boolean): Promise<string[]> {
    const { tm, clock } = await setUp();
    const ran: string[] = [];
    const task = tm.task({ name: 'note' }, async (queue: string) => {
      ran.push(queue);
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 10));
    });
    for (const queueName of ['critical', 'default', 'low'])
      await task.with({ queueName }).sendMany(Array.from({ length: SENT }, () => [queueName]));
    const worker = tm.createWorker({ queues: { critical: 6, default: 3, low: 1 }, strict, concurrency: 10 });
    await worker.start();
    await clock.advance(2_500);
    await worker.stop();
    expect(ran).toHaveLength(3 * SENT);
    return ran;
  }

  function share(ran: readonly string[], queue: string): number {
    return ran.filter((each) => each === queue).length / ran.length;
  }

  it('are kept while all queues have messages, and the others share the slots of an empty one', async () => {
    const ran = await order(false);
    const first = ran.slice(0, 500);
    expect(share(first, 'critical')).toBeCloseTo(0.6, 1);
    expect(share(first, 'default')).toBeCloseTo(0.3, 1);
    expect(share(first, 'low')).toBeCloseTo(0.1, 1);
    // The 600 critical messages end within 1,000; from there on the ratio is three to one.
    const later = ran.slice(1_020, 1_300);
    expect(share(later, 'critical')).toBe(0);
    expect(share(later, 'default')).toBeCloseTo(0.75, 1);
  });

  it('strict order empties the first queue before the next one', async () => {
    const ran = await order(true);
    expect(new Set(ran.slice(0, SENT))).toEqual(new Set(['critical']));
    expect(new Set(ran.slice(SENT, 2 * SENT))).toEqual(new Set(['default']));
  });
});

describe('log lines about messages', () => {
  it('report an unknown task once for each name, for any number of messages', async () => {
    const { tm, clock, warnings, broker } = await setUp();
    tm.task({ name: 'known' }, async () => undefined);
    const other = TaskManager.getInstance(`log-${randomUUID()}`);
    managers.push(other);
    await other.initialize({ broker, clock, logLevel: 'silent' });
    const misspelled = other.task({ name: 'knwon' }, async () => undefined);
    await misspelled.sendMany([[], [], []]);
    await tm.createWorker().start();
    await clock.advance(60_000);
    expect(warnings().filter(({ msg }) => msg.startsWith('unknown task'))).toMatchObject([
      { task: 'knwon', queue: 'default' },
    ]);
    expect(await broker.inspector.counts('default')).toMatchObject({ delayed: 3 });
  });

  it('show a date for the longest wait, and still report other messages', async () => {
    const { tm, clock, lines } = await setUp();
    const ages = tm.task({ name: 'ages' }, async () => {
      throw new RetryLater('10000000d');
    });
    const quick = tm.task({ name: 'quick' }, async () => undefined);
    await ages.send();
    await quick.sendMany([[], []]);
    const worker = tm.createWorker();
    const succeeded: string[] = [];
    worker.on('succeeded', ({ name }) => void succeeded.push(name));
    await worker.start();
    await clock.advance(1_000);
    expect(succeeded).toEqual(['quick', 'quick']);
    expect(lines.filter(({ nextAt }) => nextAt !== undefined)).toMatchObject([
      { task: { name: 'ages' }, nextAt: expect.stringMatching(/^\+029\d{3}-/) },
    ]);
    expect(lines.some(({ msg }) => msg.includes('settle_unknown'))).toBe(false);
  });
});

it('the line of an expired task shows when it was sent and when it expired', async () => {
  const { tm, clock, warnings } = await setUp();
  const late = tm.task(async function late() {});
  const sentAt = clock.now();
  await late.with({ expiresIn: '5s' }).send();
  await clock.advance(6_000);
  await tm.createWorker().start();
  await clock.advance(1_000);
  expect(warnings().find(({ msg }) => msg === 'task expired before it started')).toMatchObject({
    sentAt: new Date(sentAt).toISOString(),
    expiresAt: new Date(sentAt + 5_000).toISOString(),
  });
});

it('an expired message whose time of sending is unreadable is logged without it', async () => {
  const { broker, tm, clock, warnings } = await setUp();
  tm.task(async function late() {});
  const headers = { 'brokkr-task': 'late', 'brokkr-at': 'soon' };
  await broker.publish([{ id: 'a', queue: 'default', body: Buffer.from('[]'), headers, expiresAt: clock.now() - 1 }]);
  await tm.createWorker().start();
  await clock.advance(1_000);
  const line = warnings().find(({ msg }) => msg === 'task expired before it started');
  expect(line).toMatchObject({ expiresAt: expect.any(String) });
  expect(line).not.toHaveProperty('sentAt');
});
