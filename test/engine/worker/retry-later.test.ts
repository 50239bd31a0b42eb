import { firstMessages } from '@brokkr/core/adapter';
import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { currentTask, readDeadLetter, RetryLater, TaskManager, type TaskOptions } from '@brokkr/core';
import { ManualClock } from '@brokkr/core/testing';
import pino from 'pino';
import { describe, expect, it } from 'vitest';

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** Starts a task whose handler asks to run later. Returns the lines that its worker logs. */
async function runLater(options: Omit<TaskOptions, 'schema'>, handler: () => Promise<void>) {
  const clock = new ManualClock();
  const broker = new MemoryBroker({ clock });
  const lines: Line[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line) as Line) });
  const tm = TaskManager.getInstance(`later-${randomUUID()}`);
  await tm.initialize({ broker, clock, logger });
  const task = tm.task({ name: 'later', ...options }, handler);
  const worker = tm.createWorker();
  await worker.start();
  const handle = await task.send();
  const letter = async () => {
    const [found] = await firstMessages(broker.inspector, 'default', 'dead', 1);
    return found === undefined ? undefined : readDeadLetter(found);
  };
  return { clock, broker, tm, handle, lines, worker, letter, task };
}

const always = async () => {
  throw new RetryLater('10s', 'rate limit');
};

describe('RetryLater', () => {
  it('is logged in one line without a stack, with its reason and the time of the next run', async () => {
    const { clock, lines, tm } = await runLater({}, always);
    await clock.advance(1_000);
    const line = lines.find(({ msg }) => msg.includes('later'));
    expect(line).toMatchObject({
      level: 30,
      reason: 'rate limit',
      nextAt: expect.any(String),
      task: { name: 'later' },
    });
    expect(line).not.toHaveProperty('error');
    await tm.close();
  });

  it('has no limit without maxRetryLater', async () => {
    const { clock, broker, tm } = await runLater({}, always);
    for (let run = 0; run < 200; run++) await clock.advance(10_000);
    expect(await broker.inspector.counts('default')).toMatchObject({ dead: 0, delayed: 1 });
    await tm.close();
  });

  it('makes a dead letter after maxRetryLater times, and the result is its failure', async () => {
    let runs = 0;
    const { clock, tm, handle, letter } = await runLater({ maxRetryLater: 3, result: '1h' }, async () => {
      runs++;
      await always();
    });
    for (let step = 0; step < 10; step++) await clock.advance(10_000);
    expect(runs).toBe(4);
    expect(await letter()).toMatchObject({
      reason: 'retry_later: maxRetryLater of 3 times is reached: rate limit',
      attempts: [{ attempt: 1, error: { code: 'RETRY_LATER' } }],
    });
    await expect(handle.result()).rejects.toMatchObject({ name: 'TaskFailedError' });
    await tm.close();
  });

  it('makes a dead letter when the next run would start later than maxRetryLater allows', async () => {
    let runs = 0;
    const { clock, tm, letter } = await runLater({ maxRetryLater: '25s' }, async () => {
      runs++;
      await always();
    });
    for (let step = 0; step < 10; step++) await clock.advance(10_000);
    expect(runs).toBe(3);
    expect(await letter()).toMatchObject({ reason: expect.stringContaining('maxRetryLater of 25000 ms is reached') });
    await tm.close();
  });

  it('is counted from 0 in each attempt, and after a redrive', async () => {
    const runs: number[] = [];
    const { clock, tm, broker } = await runLater({ maxRetryLater: 1, maxRetries: 1, retryDelay: '1s' }, async () => {
      runs.push(currentTask().attempt);
      if (runs.length % 2 === 1) await always();
      throw new Error('failed');
    });
    for (let step = 0; step < 20; step++) await clock.advance(10_000);
    expect(runs).toEqual([1, 1, 2, 2]);
    expect(await broker.inspector.redrive('default', 'all')).toBe(1);
    for (let step = 0; step < 20; step++) await clock.advance(10_000);
    expect(runs).toEqual([1, 1, 2, 2, 1, 1, 2, 2]);
    await tm.close();
  });

  it.each([-1, 1.5, 'soon', '7', null, {}])('refuses maxRetryLater: %j', (maxRetryLater) => {
    const tm = TaskManager.getInstance(`later-${randomUUID()}`);
    expect(() => tm.task({ name: 'later', maxRetryLater: maxRetryLater as never }, always)).toThrow(
      /^task later: maxRetryLater/,
    );
  });

  it('of a subclass whose delay is not a number is a failure like any other error', async () => {
    class Broken extends RetryLater {
      override readonly delayMs = Number.NaN;
    }
    const { clock, broker, tm } = await runLater({ maxRetries: 0 }, async () => {
      throw new Broken('1s');
    });
    await clock.advance(1_000);
    expect(await broker.inspector.counts('default')).toMatchObject({ dead: 1 });
    await tm.close();
  });
});

it('the log line of a stop names the runs that did not end in time', async () => {
  const { clock, lines, tm, handle, worker, task } = await runLater({}, () => new Promise(() => undefined));
  const second = await task.send();
  await clock.advance(10);
  const stopping = worker.stop({ timeout: '1s' });
  await clock.advance(1_000);
  expect(await stopping).toEqual({ interrupted: 2 });
  const line = lines.find(({ interrupted }) => interrupted !== undefined);
  expect(line).toMatchObject({ level: 40, interrupted: 2 });
  expect(line?.tasks).toMatchObject([handle.id, second.id].map((id) => ({ id, name: 'later' })));
  await tm.close();
});

it('a handler may pass its signal to any number of calls without a leak warning', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error) => void warnings.push(warning);
  process.on('warning', note);
  const { clock, broker, tm } = await runLater({}, async () => {
    const { signal } = currentTask();
    for (let call = 0; call < 50; call++) signal.addEventListener('abort', () => undefined);
  });
  await clock.advance(10);
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', note);
  expect(await broker.inspector.counts('default')).toMatchObject({ acknowledged: 1 });
  expect(warnings).toEqual([]);
  await tm.close();
});
