import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createBroker } from '@brokkr/core';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { RedisServer } from '../support/redis-server.ts';
import { app, brokkr, until } from './brokkr.ts';

const server = await RedisServer.start();
const client = server.client();
afterAll(async () => {
  client.disconnect();
  await server.stop();
});
beforeEach(async () => {
  await client.flushall();
  await client.config('SET', 'maxmemory-policy', 'noeviction');
  await client.config('SET', 'appendonly', 'yes');
});

interface Check {
  readonly about: string;
  readonly severity: string;
  readonly code?: string;
  readonly message: string;
}

async function doctor(env: NodeJS.ProcessEnv, ...args: string[]): Promise<{ code: number | null; checks: Check[] }> {
  const command = brokkr(['doctor', '-a', app, '--json', ...args], { TASK_BROKER_URL: server.url, ...env });
  const code = await command.exited;
  expect(command.errors()).toBe('');
  return { code, checks: JSON.parse(command.output()) as Check[] };
}

function problems(checks: readonly Check[]): string[] {
  return checks
    .filter(({ severity }) => severity !== 'ok')
    .map(({ about, severity, code }) => `${severity} ${about} ${code ?? ''}`.trim());
}

async function send(queue: string, count: number): Promise<void> {
  const broker = createBroker(server.url);
  const headers = { 'brokkr-task': 'greet', 'brokkr-at': String(Date.now()) };
  const envelope = () => ({ id: randomUUID(), queue, body: Buffer.from('["Ada"]'), headers });
  await broker.publish(Array.from({ length: count }, envelope));
  await broker.close();
}

it('a sound system gets exit code 0 and one line for each check', async () => {
  const { code, checks } = await doctor({});
  expect(checks.map(({ about, severity }) => `${severity} ${about}`)).toEqual([
    'ok application',
    'ok configuration',
    'ok features',
    'ok broker',
    'ok queues',
  ]);
  expect(code).toBe(0);
  const forPeople = brokkr(['doctor', '-a', app], { TASK_BROKER_URL: server.url });
  expect(await forPeople.exited).toBe(0);
  expect(forPeople.output()).toMatch(/^ok +application .*tasks\.ts defines \d+ tasks\n/);
  expect(forPeople.output()).toMatch(/\nok +features +every feature works on this broker\n/);
}, 30_000);

it('features that do not work on the broker are named with a remedy', async () => {
  const forPeople = brokkr(['doctor', '-a', app, '--broker', 'memory:']);
  expect(await forPeople.exited).toBe(0);
  expect(forPeople.output()).toMatch(
    /\nok +features +\d+ of \d+ features work on this broker\n +not persistence \(messages survive .+\): use a broker that stores messages/,
  );
  const { checks } = await doctor({}, '--broker', 'memory:');
  expect(checks.find(({ about }) => about === 'features')).toMatchObject({
    features: { persistence: false, cancel: true },
  });
}, 30_000);

it('a server that keeps no file is a warning, a server that evicts is an error with exit code 1', async () => {
  await client.config('SET', 'appendonly', 'no');
  const warned = await doctor({});
  expect([warned.code, ...problems(warned.checks)]).toEqual([0, 'warning broker SERVER_FORGETS']);
  await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
  const refused = await doctor({});
  expect(problems(refused.checks)).toContain('error broker SERVER_EVICTS');
  expect(refused.code).toBe(1);
}, 30_000);

it('an unreachable broker is an error with exit code 1, and its password is not shown', async () => {
  const port = await new Promise<number>((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = probe.address() as { port: number };
      probe.close(() => resolve(free));
    });
  });
  const url = `redis://u:s3cret@127.0.0.1:${port}`;
  const { code, checks } = await doctor({ TASK_SEND_TIMEOUT: '300ms' }, '--broker', url);
  expect(problems(checks)).toEqual(['error broker BROKER_UNAVAILABLE']);
  expect(JSON.stringify(checks)).not.toContain('s3cret');
  expect(code).toBe(1);
}, 30_000);

it.each([
  ['TLS to a server without TLS', () => `rediss://u:s3cret@127.0.0.1:${server.port}`, /rediss: needs TLS on this port/],
  ['AMQP to a port of Redis', () => `amqp://u:s3cret@127.0.0.1:${server.port}`, /RabbitMQ listens/],
])(
  '%s is reported as a broker that gives no answer',
  async (_, url, cause) => {
    const { code, checks } = await doctor({ TASK_SEND_TIMEOUT: '300ms' }, '--broker', url());
    expect(problems(checks)).toEqual(['error broker BROKER_UNAVAILABLE']);
    expect(checks.at(-1)?.message).toMatch(
      /127\.0\.0\.1:\d+.*no answer within \d+ ms|no answer within \d+ ms.*127\.0\.0\.1:\d+/,
    );
    expect(checks.at(-1)?.message).toMatch(cause);
    expect(JSON.stringify(checks)).not.toContain('s3cret');
    expect(code).toBe(1);
  },
  30_000,
);

it('a database that the server does not have is an error with exit code 1', async () => {
  const { code, checks } = await doctor({}, '--broker', `${server.url}/99`);
  expect([code, ...problems(checks)]).toEqual([1, 'error broker DATABASE_UNKNOWN']);
}, 30_000);

it.each([
  ['BROKER_URL_INVALID', 'redis://127.0.0.1/one', {}],
  ['ADAPTER_NOT_INSTALLED', 'nats://127.0.0.1', { TASK_BROKER_PACKAGE: '@acme/nats' }],
  ['ADAPTER_INVALID', 'nats://127.0.0.1', { TASK_BROKER_PACKAGE: 'pino' }],
  ['SCHEME_UNKNOWN', 'nats://127.0.0.1', {}],
])(
  '%s is a wrong setting with exit code 2, and the settings are not called valid',
  async (problem, url, env) => {
    const { code, checks } = await doctor(env, '--broker', url);
    expect([code, ...problems(checks)]).toEqual([2, `error configuration ${problem}`]);
    expect(checks.filter(({ about }) => about === 'configuration')).toHaveLength(1);
    // Also without an application.
    const without = await doctor(env, '--broker', url, '--app', join('no', 'such.ts'));
    expect([without.code, ...problems(without.checks)]).toEqual([
      2,
      'error application',
      `error configuration ${problem}`,
    ]);
  },
  30_000,
);

const keeping = join(import.meta.dirname, '..', 'fixtures', 'apps', 'keeping.ts');

it.each([
  ['LOG_LEVEL', 'loud', app, /LOG_LEVEL must be one of trace/],
  ['TASK_RESULT_URL', 'foo://u:s3cret@x', app, /TASK_RESULT_URL: broker URL foo:\/\/\*\*\*@x: unknown scheme foo/],
  ['TASK_RESULT_URL', 'redis://u:s3cret@x/one', keeping, /TASK_RESULT_URL: .*the database must be a number/],
  ['TASK_RESULT_URL', 'amqp://u:s3cret@x', keeping, /TASK_RESULT_URL: this broker keeps no results/],
])(
  '%s=%s is refused by doctor, send and worker with exit code 2',
  async (name, value, module, complaint) => {
    const env = { TASK_BROKER_URL: server.url, [name]: value };
    for (const args of [
      ['doctor', '-a', module],
      ['send', 'greet', '"Ada"', '-a', module],
      ['worker', '-a', module],
    ]) {
      const run = brokkr(args, env);
      expect([args[0], await run.exited]).toEqual([args[0], 2]);
      expect(run.output() + run.errors()).toMatch(complaint);
      expect(run.output() + run.errors()).not.toContain('s3cret');
    }
  },
  30_000,
);

it('queues that no worker serves get a warning', async () => {
  await send('greetings', 3);
  await send('nobody', 1);
  const { code, checks } = await doctor({});
  expect(problems(checks)).toEqual(['warning queues QUEUE_UNSERVED', 'warning queues QUEUE_UNSERVED']);
  expect(checks.map(({ message }) => message).join('\n')).toMatch(
    /3 messages wait in greetings, .*brokkr worker -q greetings\n1 message waits in nobody, .*no task of this application/,
  );
  expect(code).toBe(0);
}, 30_000);

it('a queue that a worker serves gets no warning', async () => {
  await send('greetings', 1);
  const worker = brokkr(['worker', '-a', app, '-q', 'greetings'], { TASK_BROKER_URL: server.url });
  await until(() => worker.output().includes('worker started'), 'it started');
  const { checks } = await doctor({});
  expect(problems(checks)).toEqual([]);
  worker.child.kill('SIGTERM');
  await worker.exited;
}, 30_000);

it('wrong settings and a wrong application are all listed, with exit code 2', async () => {
  const settings = await doctor({ TASK_TIMEOUT: 'soon', TASK_MAX_WORKERS: '-1' });
  expect([settings.code, ...problems(settings.checks)]).toEqual([2, 'error configuration SETTINGS_INVALID']);
  expect(settings.checks[0]?.message).toMatch(
    /TASK_MAX_WORKERS[\s\S]*TASK_TIMEOUT|TASK_TIMEOUT[\s\S]*TASK_MAX_WORKERS/,
  );
  // The broker is checked without an application, too.
  const missing = await doctor({}, '--app', join('no', 'such.ts'));
  expect([missing.code, ...problems(missing.checks)]).toEqual([2, 'error application']);
  expect(missing.checks.map(({ about }) => about)).toContain('broker');
}, 30_000);

it('more dead letters than TASK_DEAD_MAX get a warning', async () => {
  await send('greetings', 2);
  const broker = createBroker(server.url);
  const subscription = await broker.subscribe('greetings', {});
  const deliveries = await subscription.receive(2, { signal: AbortSignal.timeout(2_000), wait: true });
  await subscription.settle(
    deliveries.map((delivery) => ({
      kind: 'dead-letter',
      delivery,
      reason: 'x',
      replacement: { ...delivery.envelope, queue: 'greetings.dead' },
    })),
  );
  await broker.close();
  const over = await doctor({ TASK_DEAD_MAX: '1' });
  expect(problems(over.checks)).toEqual(['warning queues DEAD_LETTERS_OVER_MAX']);
  expect(problems((await doctor({ TASK_DEAD_MAX: '2' })).checks)).toEqual([]);
}, 30_000);
