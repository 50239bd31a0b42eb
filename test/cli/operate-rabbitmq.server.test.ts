import { randomUUID } from 'node:crypto';
import { AmqpBroker } from '@brokkr/broker-amqp';
import { deadLetterEnvelope } from '@brokkr/core/adapter';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { RabbitServer } from '../support/rabbitmq-server.ts';
import { brokkr, type Run, until } from './brokkr.ts';

const APP = 'test/fixtures/apps/operated.ts';

let rabbit: RabbitServer;
let broker: AmqpBroker;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  rabbit = await RabbitServer.start();
}, 90_000);
afterAll(() => rabbit?.stop());
beforeEach(() => {
  const namespace = `o${randomUUID().slice(0, 8)}`;
  broker = new AmqpBroker({ url: rabbit.url, namespace });
  env = { TASK_BROKER_URL: rabbit.url, TASK_NAMESPACE: namespace, APP_MODULE: APP };
});
afterEach(() => broker.close());

async function run(...args: string[]): Promise<string> {
  const command = brokkr(args, env);
  expect(`${await command.exited} ${command.errors()}`).toBe('0 ');
  return command.output();
}

async function startWorker(): Promise<Run> {
  const worker = brokkr(['worker', '-q', 'all', '--worker-id', 'first'], env);
  await until(() => worker.output().includes('worker started'), 'the worker started');
  return worker;
}

async function stop(worker: Run): Promise<void> {
  worker.child.kill('SIGTERM');
  expect(await worker.exited).toBe(0);
}

/** Dead letters `m0`, `m1` and so on of the queue `emails`. */
async function bury(count: number): Promise<void> {
  const headers = { 'brokkr-task': 'mail', 'brokkr-at': String(Date.now()) };
  const letters = Array.from({ length: count }, (_, index) => {
    const message = { id: `m${index}`, queue: 'emails', body: Buffer.from('["ada"]'), headers };
    return deadLetterEnvelope(message, `Error: SMTP said ${500 + (index % 2)}`, { at: Date.now(), by: 'w' });
  });
  await broker.inspector.bury?.('emails', letters);
}

it('queues says what RabbitMQ cannot know: without an application the queues, with one some figures', async () => {
  const without = brokkr(['queues'], { ...env, APP_MODULE: '' });
  expect(await without.exited).toBe(2);
  expect(without.errors()).toMatch(/^error: this server cannot list its queues, and there is no application here/);
  await bury(2);
  const table = await run('queues');
  expect(table).toMatch(/emails +│ 0 +│ 0 +│ \? +│ 2 +│ \?/);
  expect(table).toMatch(/\n\? the server does not count: running, acknowledged\n$/);
}, 60_000);

it('an unknown queue is refused if the application and the server do not know it', async () => {
  await bury(1);
  const refused = brokkr(['dead', 'list', 'emial'], env);
  expect(await refused.exited).toBe(2);
  expect(refused.errors()).toBe('error: unknown queue emial; did you mean emails?\n');
}, 60_000);

it('dead letters are listed and retried by a filter in all queues of the application', async () => {
  await bury(10);
  expect(JSON.parse(await run('dead', 'list', '--error', 'said 501', '--json'))).toMatchObject(
    [1, 3, 5, 7, 9].map((index) => ({ queue: 'emails', id: `m${index}` })),
  );
  expect(await run('dead', 'retry', '--error', 'said 501', '--limit', '3', '--dry-run')).toBe('emails 3\n3\n');
  expect(await run('dead', 'retry', '--error', 'said 501', '--limit', '3')).toBe('emails 3\n3\n');
  expect(await run('dead', 'discard', 'emails', '--all')).toBe('7\n');
  expect(await broker.inspector.counts('emails')).toMatchObject({ ready: 3, dead: 0 });
}, 60_000);

it('dead retry of an id finds it beside other looks at the same letters', async () => {
  await bury(400);
  let isDone = false;
  let looks = 0;
  const looking = Promise.all(
    [1, 2, 3].map(async () => {
      while (!isDone) {
        await broker.inspector.page('emails', 'dead', { limit: 400 });
        looks++;
      }
    }),
  );
  expect(await run('dead', 'retry', 'emails', 'm399', 'm200')).toBe('2\n');
  const missing = brokkr(['dead', 'retry', 'emails', 'm398', 'nope'], env);
  expect(await missing.exited).toBe(2);
  expect(missing.output()).toBe('1\n');
  expect(missing.errors()).toBe('error: no dead letter nope in queue emails\n');
  isDone = true;
  await looking;
  expect(looks).toBeGreaterThan(3);
  await expect.poll(() => broker.inspector.counts('emails'), { timeout: 5_000 }).toMatchObject({ ready: 3, dead: 397 });
}, 90_000);

it('a full worker is a worker of its queue for queues and doctor, and a pause is the reason of a wait', async () => {
  const worker = brokkr(['worker', '-q', 'emails', '-c', '1', '--worker-id', 'full'], env);
  await until(() => worker.output().includes('worker started'), 'the worker started');
  for (let sent = 0; sent < 4; sent++) await run('send', 'mail', 'forever');
  await until(() => worker.output().includes('sending for a long time'), 'the task runs');
  const emails = async () => {
    const readings = JSON.parse(await run('queues', '--json')) as { queue: string; ready: number; workers: number }[];
    return readings.find(({ queue }) => queue === 'emails');
  };
  expect(await emails()).toMatchObject({ ready: expect.any(Number), workers: 1 });
  expect((await emails())?.ready).toBeGreaterThan(0);
  expect(await run('doctor')).not.toContain('QUEUE_UNSERVED');
  await run('pause', 'emails');
  expect(await run('doctor')).toMatch(/wait in emails, which is paused; to end the pause: brokkr resume emails/);
  expect(await emails()).toMatchObject({ workers: 1 });
  worker.child.kill('SIGKILL');
  await worker.exited;
}, 60_000);

it('workers of other processes are listed, paused and told to abort a running task', async () => {
  const worker = await startWorker();
  expect(JSON.parse(await run('workers', '--json'))).toMatchObject([{ id: 'first', queues: { emails: 1, pdf: 1 } }]);
  const id = (await run('send', 'mail', 'forever')).trim();
  await until(() => worker.output().includes('sending for a long time'), 'the task runs');
  // The report of a worker is a few seconds old.
  const reported = async () => {
    const status = brokkr(['status', id, '--json'], env);
    return (await status.exited) === 0 ? (JSON.parse(status.output()) as unknown) : undefined;
  };
  await expect.poll(reported, { timeout: 30_000 }).toMatchObject({ state: 'running', worker: 'first', task: 'mail' });
  const refused = brokkr(['cancel', id], env);
  expect(await refused.exited).toBe(2);
  expect(refused.errors()).toMatch(/cannot find messages by their ids; --running aborts the task if it runs/);
  expect(await run('cancel', id, '--running')).toBe('cancelled\n');
  expect(await run('pause', 'emails')).toBe('emails paused\n');
  expect(await run('queues', 'emails')).toMatch(/paused/);
  await run('send', 'mail', 'ada');
  expect(await run('resume', 'emails')).toBe('emails resumed\n');
  await expect.poll(async () => (await broker.inspector.counts('emails')).ready, { timeout: 10_000 }).toBe(0);
  await stop(worker);
}, 90_000);
