import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { TaskManager } from '@brokkr/core';
import { expect, it, onTestFinished } from 'vitest';
import { brokkr, type Run, workplace } from './brokkr.ts';

const APP = join(import.meta.dirname, '..', 'fixtures', 'apps', 'demonstrated.ts');

/** A server that the demonstrations use. */
export interface Demonstrated {
  /** URL of the broker; the server runs once the tests begin. */
  readonly url: () => string;
  /** Whether the server counts messages that were cancelled. */
  readonly countsCancelled: boolean;
}

/** The environment of worker processes, the notes of their tasks, and a manager of this process with the same tasks. */
function setUp({ url }: Demonstrated) {
  const { env: own, notes } = workplace();
  const namespace = `d${randomUUID().slice(0, 8)}`;
  const { TASK_BROKER_PACKAGE: _, ...rest } = own;
  const env = { ...rest, TASK_BROKER_URL: url(), TASK_NAMESPACE: namespace, APP_MODULE: APP };
  const tm = TaskManager.getInstance(namespace).configure({
    brokerUrl: url(),
    namespace,
    runMode: 'producer',
    logLevel: 'silent',
  });
  onTestFinished(() => tm.close());
  const noted = (kind: string) => notes().filter((line) => line.startsWith(`${kind} `));
  return { env, tm, noted };
}

/** Starts worker processes, and waits until each serves its queues. */
async function startWorkers(env: NodeJS.ProcessEnv, queue: string, processes: number): Promise<Run> {
  const run = brokkr(['worker', '-q', queue, '-p', String(processes), '-c', '15'], env);
  const started = () => run.output().match(/"msg":"worker started"/g)?.length ?? 0;
  await expect.poll(started, { timeout: 30_000, interval: 50 }).toBe(processes);
  return run;
}

async function stop(run: Run): Promise<void> {
  run.child.kill('SIGTERM');
  expect(await run.exited).toBe(0);
}

async function command(env: NodeJS.ProcessEnv, ...args: string[]): Promise<string> {
  const run = brokkr(args, env);
  expect(`${await run.exited} ${run.errors()}`).toBe('0 ');
  return run.output();
}

const seconds = (count: number) => new Promise((resolve) => setTimeout(resolve, count * 1_000));

/** What the issue about operations promises, shown with worker processes on a real server. */
export function demonstrate(server: Demonstrated): void {
  it('a pause under load: no task starts two seconds later, and none is lost', async () => {
    const { env, tm, noted } = setUp(server);
    const tick = tm.task({ name: 'tick', queueName: 'load' }, async () => undefined);
    const handles = await tick.sendMany(Array.from({ length: 20_000 }, () => []));
    const workers = await startWorkers(env, 'load', 2);
    await expect.poll(() => noted('tick').length, { timeout: 20_000, interval: 20 }).toBeGreaterThan(50);
    await tm.queue('load').pause();
    await seconds(2);
    const before = noted('tick').length;
    await seconds(2);
    expect(noted('tick')).toHaveLength(before);
    expect(before).toBeLessThan(handles.length);
    await command(env, 'resume', 'load');
    await expect.poll(() => noted('tick').length, { timeout: 60_000 }).toBeGreaterThanOrEqual(handles.length);
    const ran = new Set(noted('tick').map((line) => line.slice('tick '.length)));
    expect(handles.filter(({ id }) => !ran.has(id))).toEqual([]);
    await stop(workers);
  }, 150_000);

  it('a cancellation of 30 running tasks in other processes: all 30 end, none runs again', async () => {
    const { env, tm, noted } = setUp(server);
    const hang = tm.task({ name: 'hang', queueName: 'hanging' }, async () => undefined);
    const workers = await startWorkers(env, 'hanging', 2);
    const handles = await hang.sendMany(Array.from({ length: 30 }, () => []));
    await expect.poll(() => noted('hang').length, { timeout: 20_000, interval: 20 }).toBe(30);
    const startedAt = performance.now();
    const cancelled = await Promise.all(handles.map(({ id }) => hang.handle(id).cancel({ running: true })));
    const tookMs = performance.now() - startedAt;
    expect(cancelled.filter(Boolean)).toHaveLength(30);
    // The promise is one second on a quiet machine; signals are repeated for two.
    expect(tookMs).toBeLessThan(5_000);
    const counts = async () => tm.queue('hanging').counts();
    if (server.countsCancelled) {
      await expect.poll(counts, { timeout: 10_000 }).toMatchObject({ cancelled: 30, running: 0, ready: 0, dead: 0 });
    }
    await stop(workers);
    expect(await counts()).toMatchObject({ ready: 0, dead: 0 });
    expect(noted('hang')).toHaveLength(30);
  }, 90_000);

  it('traces across a retry: both attempts, in a worker process, link to the send of another process', async () => {
    const { env: own, noted } = setUp(server);
    const env = { ...own, TRACED: 'yes' };
    const workers = await startWorkers(env, 'flaking', 1);
    await command(env, 'send', 'flaky');
    await expect.poll(() => noted('span').length, { timeout: 20_000 }).toBe(3);
    const spans = noted('span').map((line) => line.split(' ').slice(1));
    const [sent] = spans.filter(([operation]) => operation === 'send').map(([, , id]) => id);
    expect(
      spans.filter(([operation]) => operation === 'process').map(([, , , link, attempt]) => [link, attempt]),
    ).toEqual([
      [sent, '1'],
      [sent, '2'],
    ]);
    await stop(workers);
  }, 90_000);
}
