import { randomUUID } from 'node:crypto';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createBroker, openBroker } from '@brokkr/core';
import type { Inspected } from '../support/inspected.ts';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { RedisServer } from '../support/redis-server.ts';
import { app, brokkr, until, workplace } from './brokkr.ts';

const server = await RedisServer.start();
afterAll(() => server.stop());

const env = { TASK_BROKER_URL: server.url };
let broker: Inspected;

beforeEach(async () => {
  broker = (await openBroker(createBroker(server.url))) as Inspected;
  const client = server.client();
  await client.flushall();
  client.disconnect();
});
afterEach(() => broker.close());

async function run(...args: string[]): Promise<string> {
  const command = brokkr(args, env);
  expect(`${await command.exited} ${command.errors()}`).toBe('0 ');
  return command.output();
}

async function sendTo(queue: string, count: number): Promise<void> {
  const headers = { 'brokkr-task': 'greet', 'brokkr-at': String(Date.now()) };
  const envelope = () => ({ id: randomUUID(), queue, body: Buffer.from('["Ada"]'), headers });
  await broker.publish(Array.from({ length: count }, envelope));
}

/** Makes two dead letters whose reason would color a terminal. */
async function kill(queue: string): Promise<void> {
  await sendTo(queue, 2);
  const subscription = await broker.subscribe(queue, {});
  const deliveries = await subscription.receive(2, { signal: AbortSignal.timeout(2_000), wait: true });
  await subscription.settle(
    deliveries.map((delivery) => ({
      kind: 'dead-letter',
      delivery,
      reason: 'Error: no \u001b[31mluck',
      replacement: {
        ...delivery.envelope,
        queue: `${queue}.dead`,
        headers: { ...delivery.envelope.headers, 'brokkr-reason': 'Error: no \u001b[31mluck' },
      },
    })),
  );
  await subscription.close();
}

it('queues lists the counts of each queue, as a table and as JSON', async () => {
  await sendTo('greetings', 3);
  expect(JSON.parse(await run('queues', '--json'))).toMatchObject([{ queue: 'greetings', ready: 3, dead: 0 }]);
  expect(await run('queues')).toMatch(/greetings +│ 3 +│ 0 +│ 0 +│ 0/);
  const watching = brokkr(['queues', '--watch', '--json'], env);
  await until(() => watching.output().split('\n').length > 2, 'it printed twice');
  watching.child.kill('SIGINT');
  expect(await watching.exited).toBe(0);
}, 30_000);

it('a missing application is wrong usage, even if the server can list its queues', async () => {
  const wrong = brokkr(['queues', '--app', 'nowhere.ts'], env);
  expect(await wrong.exited).toBe(2);
  expect(wrong.errors()).toMatch(/no application at .*nowhere\.ts \(from --app\)/);
}, 30_000);

it('with --json only JSON is printed, whatever warnings the server causes', async () => {
  await sendTo('greetings', 1);
  const client = server.client();
  await client.config('SET', 'appendonly', 'no');
  const told = await run('queues', '--json');
  await client.config('SET', 'appendonly', 'yes');
  client.disconnect();
  expect(JSON.parse(told)).toHaveLength(1);
}, 30_000);

it('dead letters are listed without control characters, shown, retried and discarded', async () => {
  await kill('greetings');
  const letters = JSON.parse(await run('dead', 'list', 'greetings', '--json')) as { id: string; task: string }[];
  expect(letters).toMatchObject([{ task: 'greet' }, { task: 'greet' }]);
  const table = await run('dead', 'list', 'greetings');
  expect(table).toContain('\\u001b[31mluck');
  expect(table).not.toContain('\u001b[31m');
  const [first, second] = letters.map(({ id }) => id) as [string, string];
  expect(JSON.parse(await run('dead', 'show', 'greetings', first))).toMatchObject([{ id: first, body: '["Ada"]' }]);
  expect(await run('dead', 'retry', 'greetings', first)).toBe('1\n');
  expect(await run('dead', 'discard', 'greetings', '--all')).toBe('1\n');
  expect(await broker.inspector.counts('greetings')).toMatchObject({ ready: 1, dead: 0, discarded: 1 });
  const missing = brokkr(['dead', 'show', 'greetings', second], env);
  expect(await missing.exited).toBe(2);
  expect(missing.errors()).toContain(second);
}, 30_000);

it.each(['retry', 'discard'])(
  'dead %s with an unknown id changes the others and reports it',
  async (what) => {
    await kill('greetings');
    const [first] = JSON.parse(await run('dead', 'list', 'greetings', '--json')) as [{ id: string }];
    const missing = brokkr(['dead', what, 'greetings', first.id, 'no-such-id'], env);
    expect(await missing.exited).toBe(2);
    expect(missing.output()).toBe('1\n');
    expect(missing.errors()).toBe('error: no dead letter no-such-id in queue greetings\n');
    expect(await broker.inspector.counts('greetings')).toMatchObject({ dead: 1 });
  },
  30_000,
);

it('dead discard needs either ids or --all, and changes nothing otherwise', async () => {
  await kill('greetings');
  for (const [args, complaint] of [
    [[], /give ids, a filter, or --all/],
    [['some-id', '--all'], /both ids and --all were given/],
  ] as const) {
    const wrong = brokkr(['dead', 'discard', 'greetings', ...args], env);
    expect(await wrong.exited).toBe(2);
    expect(wrong.errors()).toMatch(complaint);
  }
  expect(await broker.inspector.counts('greetings')).toMatchObject({ dead: 2 });
}, 30_000);

it('purge removes the ready messages', async () => {
  await sendTo('greetings', 3);
  expect(await run('purge', 'greetings')).toBe('3\n');
  expect(await broker.inspector.counts('greetings')).toMatchObject({ ready: 0, purged: 3 });
}, 30_000);

it('move takes messages to another broker, and a worker there runs them', async () => {
  await sendTo('greetings', 3);
  const other = workplace();
  const command = brokkr(['move', server.url, other.env.TASK_BROKER_URL ?? ''], other.env);
  expect(`${await command.exited} ${command.errors()}`).toBe('0 ');
  expect(command.output()).toBe('greetings 3\n');
  expect(await broker.inspector.counts('greetings')).toMatchObject({ ready: 0, purged: 3 });
  const worker = brokkr(['worker', '-a', app, '-q', 'greetings'], other.env);
  await until(() => other.notes().length === 3, 'they ran there');
  worker.child.kill('SIGTERM');
  expect(await worker.exited).toBe(0);
}, 30_000);

it.each([
  ['the same URL', () => server.url],
  ['another name of the host', () => `redis://localhost:${server.port}`],
  ['the number of the database', () => `${server.url}/0`],
])(
  'move to the same broker, named by %s, is refused and changes nothing',
  async (_, to) => {
    await sendTo('greetings', 3);
    const refused = brokkr(['move', server.url, to()], env);
    expect(await refused.exited).toBe(2);
    expect(refused.errors()).toMatch(/^error: brokkr move: .* are the same broker/);
    expect(refused.output()).toBe('');
    expect(await broker.inspector.counts('greetings')).toMatchObject({ ready: 3, purged: 0 });
    expect(await broker.inspector.queues()).toEqual(['greetings']);
    const client = server.client();
    expect(await client.exists('brokkr:state')).toBe(0);
    client.disconnect();
  },
  30_000,
);

it('move takes messages to another database of the same server', async () => {
  await sendTo('greetings', 3);
  expect(await run('move', `${server.url}/0`, `${server.url}/1`)).toBe('greetings 3\n');
  expect(await broker.inspector.counts('greetings')).toMatchObject({ ready: 0, purged: 3 });
  expect(JSON.parse(await run('queues', '--json', '--broker', `${server.url}/1`))).toMatchObject([{ ready: 3 }]);
}, 30_000);

it('move compares brokers that store no state', async () => {
  const { env: files, folder } = workplace();
  const here = files.TASK_BROKER_URL ?? '';
  symlinkSync(folder, join(folder, 'link'));
  const places = async (url: string) => {
    const listed = brokkr(['queues', '--json', '--broker', url], files);
    expect(await listed.exited).toBe(0);
    return JSON.parse(listed.output());
  };
  expect(await brokkr(['send', 'greet', '"Ada"', '-a', app], files).exited).toBe(0);
  for (const to of [here, here.replace(/broker$/, 'link/broker')]) {
    const refused = brokkr(['move', here, to], files);
    expect(await refused.exited).toBe(2);
    expect(refused.errors()).toMatch(/are the same broker/);
    expect(await places(here)).toMatchObject([{ queue: 'greetings', ready: 1 }]);
  }
  const other = here.replace(/broker$/, 'other');
  const moved = brokkr(['move', here, other], files);
  expect(`${await moved.exited} ${moved.errors()}`).toBe('0 ');
  expect(moved.output()).toBe('greetings 1\n');
  expect(await places(other)).toMatchObject([{ queue: 'greetings', ready: 1 }]);
}, 60_000);

it.each([['queues'], ['purge', 'q'], ['dead', 'list', 'q']])(
  '%s on the memory broker is refused, and the error names TASK_BROKER_URL',
  async (...args) => {
    const refused = brokkr(args, { TASK_BROKER_URL: 'memory:' });
    expect(await refused.exited).toBe(2);
    expect(refused.errors()).toMatch(/TASK_BROKER_URL/);
  },
  30_000,
);

it('an error about a URL of --broker does not name TASK_BROKER_URL', async () => {
  const refused = brokkr(['queues', '--broker', 'memory:'], env);
  expect(await refused.exited).toBe(2);
  expect(refused.errors()).toMatch(/the given URL is memory:/);
}, 30_000);

it('queues and doctor name a queue that cannot be read, and show the others', async () => {
  await sendTo('greetings', 3);
  const client = server.client();
  await client.sadd('brokkr:queues', 'broken');
  await client.set('brokkr:{broken}:ready', 'junk');
  client.disconnect();
  const table = brokkr(['queues'], env);
  expect(await table.exited).toBe(1);
  expect(table.output()).toMatch(/greetings +│ 3 +│/);
  expect(table.output()).toMatch(/broken +│ \? +│/);
  expect(table.errors()).toMatch(/^error: queue broken: .*brokkr:\{broken\}:ready.*\n$/);
  const json = brokkr(['queues', '--json'], env);
  expect(await json.exited).toBe(1);
  expect(JSON.parse(json.output())).toMatchObject([
    { queue: 'broken', error: expect.stringContaining('ready') },
    { queue: 'greetings', ready: 3 },
  ]);
  const doctor = brokkr(['doctor', '-a', app], env);
  expect(await doctor.exited).toBe(1);
  expect(doctor.output()).toMatch(/error +broker +.*brokkr:\{broken\}:ready/);
  expect(doctor.output()).toMatch(/warning queues +3 messages wait in greetings/);
  const repaired = brokkr(['doctor', '-a', app, '--repair'], env);
  expect(await repaired.exited).toBe(0);
  expect(repaired.output()).toMatch(/ok +broker +repaired: .* \[KEY_SPOILED\]/);
  expect(repaired.output()).not.toContain('cannot be read');
  const again = brokkr(['doctor', '-a', app, '--repair'], env);
  expect(await again.exited).toBe(0);
  expect(again.output()).toMatch(/ok +broker +nothing to repair/);
}, 30_000);

it('queues and doctor show the queues while another client holds the key of their pauses', async () => {
  await sendTo('greetings', 3);
  const client = server.client();
  await client.del('brokkr:state');
  await client.lpush('brokkr:state', 'x');
  client.disconnect();
  const why =
    /^error: the pauses of the queues are unknown: the Redis key brokkr:state holds a list, .*doctor --repair.*\n$/;
  const table = brokkr(['queues'], env);
  const json = brokkr(['queues', '--json'], env);
  const doctor = brokkr(['doctor', '-a', app], env);
  expect(await table.exited).toBe(1);
  expect(table.output()).toMatch(/greetings +│ 3 +│.*│ \? +│\n/);
  expect(table.errors()).toMatch(why);
  expect(await json.exited).toBe(1);
  expect(JSON.parse(json.output())).toMatchObject([{ queue: 'greetings', ready: 3, paused: null }]);
  expect(json.errors()).toMatch(why);
  expect(await doctor.exited).toBe(1);
  expect(doctor.output()).toMatch(/error +broker +the Redis key brokkr:state holds a list/);
  expect(doctor.output()).toMatch(/warning queues +3 messages wait in greetings/);
  const repaired = brokkr(['doctor', '-a', app, '--repair'], env);
  expect(await repaired.exited).toBe(0);
  expect(repaired.output()).toMatch(/ok +broker +repaired: a foreign list was renamed to brokkr:state:spoiled:/);
}, 30_000);
