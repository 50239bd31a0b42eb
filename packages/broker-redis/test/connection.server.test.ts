import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { RedisServer } from '../../../test/support/redis-server.ts';
import type { Client } from '../src/connection/connect.ts';
import { Connection, type ConnectionOptions } from '../src/connection/connection.ts';
import { RedisBroker } from '../src/index.ts';
import { asBrokerError } from '../src/connection/redis-errors.ts';

const server = await RedisServer.start();
afterAll(() => server.stop());

/** A client that is about to reconnect, and never does. */
class LostClient extends EventEmitter {
  readonly status = 'reconnecting';
  readonly ends: boolean[] = [];

  disconnect(reconnect = false): void {
    this.ends.push(reconnect);
  }
}

const timeoutMs = 60;

async function askUntilAnswered(connection: Connection): Promise<number> {
  let failures = 0;
  await expect
    .poll(
      async () => {
        try {
          return await connection.call((client) => client.ping());
        } catch {
          failures++;
          return 'no answer';
        }
      },
      { timeout: 5_000, interval: 1 },
    )
    .toBe('PONG');
  return failures;
}

const check = async () => undefined;

function connectionOver(client: Client, options: Partial<ConnectionOptions> = {}): Connection {
  return new Connection({
    address: 'here',
    timeoutMs,
    check,
    missingCommands: async () => new Set(),
    connect: () => client,
    ...options,
  });
}

it('a client that never reconnects is replaced once its calls have failed for long enough', async () => {
  const lost = new LostClient();
  const sound = server.client();
  const clients = [lost as unknown as Client, sound];
  const connection = connectionOver(sound, { connect: () => clients.shift() as Client, silenceMs: 150 });
  expect(await askUntilAnswered(connection)).toBeGreaterThan(1);
  expect(connection.client).toBe(sound);
  expect(lost.ends).toEqual([false]);
  connection.close();
});

it('a server that refuses has answered: its client is kept', async () => {
  const connection = connectionOver(server.client(), { silenceMs: 0 });
  await connection.call((client) => client.ping());
  for (let call = 0; call < 2; call++) {
    await expect(connection.call((client) => client.call('NONSENSE'))).rejects.toMatchObject({
      code: 'BROKER_REFUSED',
    });
  }
  expect(connection.breaks).toBe(0);
  connection.close();
});

it('a command that its client rejects after the timeout causes no unhandled rejection', async () => {
  const connection = connectionOver(server.client());
  await connection.call((client) => client.ping());
  const uncaught: unknown[] = [];
  const hear = (error: unknown) => uncaught.push(error);
  process.on('unhandledRejection', hear);
  let reject: (error: Error) => void = () => undefined;
  const silent = () =>
    new Promise<never>((_, fail) => {
      reject = fail;
    });
  await expect(connection.call(silent)).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' });
  reject(new Error('Reached the max retries per request limit'));
  await new Promise(setImmediate);
  process.off('unhandledRejection', hear);
  expect(uncaught).toEqual([]);
  connection.close();
});

it('close() rejects the calls that a hanging server has not answered', async () => {
  const connection = connectionOver(server.client());
  await connection.call((client) => client.ping());
  const hanging = connection.call(() => new Promise<never>(() => undefined), { timeoutMs: 60_000 });
  connection.close();
  await expect(hanging).rejects.toMatchObject({ code: 'BROKER_CLOSED' });
});

it('close() rejects the calls that wait for a connect immediately', async () => {
  const connection = connectionOver(new LostClient() as unknown as Client, { timeoutMs: 60_000 });
  const waiting = connection.call((client) => client.ping());
  connection.close();
  await expect(waiting).rejects.toMatchObject({ code: 'BROKER_CLOSED' });
});

it('an error for an unreachable server has its address and the cause in one line', async () => {
  const broker = new RedisBroker({ url: 'redis://someone:s3cret@127.0.0.1:1/0', sendTimeoutMs: 100 });
  const failed = (await broker.inspector.queues().catch((error: unknown) => error)) as Error;
  expect(failed.message).toBe(
    'cannot reach Redis at 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1; check that it is running and that the URL is right: TASK_BROKER_URL, or that of a store, TASK_STORE_URL or TASK_RESULT_URL',
  );
  await broker.close();
});

it('a refused login is reported immediately, and the error does not contain the password', async () => {
  const broker = new RedisBroker({
    url: `redis://nobody:wr0ng-secret@127.0.0.1:${server.port}`,
    sendTimeoutMs: 60_000,
  });
  const refused: unknown = await broker.inspector.queues().catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'BROKER_REFUSED', message: expect.stringContaining('WRONGPASS') });
  expect(inspect(refused, { depth: 20, showHidden: true })).not.toContain('wr0ng-secret');
  await broker.close();
});

it('an error of a cluster does not contain the password in the error of its last node', () => {
  const said = Object.assign(new Error('WRONGPASS'), { command: { name: 'auth', args: ['wr0ng-secret'] } });
  const refused = asBrokerError(
    Object.assign(new Error('Failed to refresh slots cache.'), { lastNodeError: said }),
    'here',
  );
  expect(inspect(refused, { depth: 20, showHidden: true })).not.toContain('wr0ng-secret');
});

it('a broker that is created directly waits for its server although its time limit is 30 days', async () => {
  const broker = new RedisBroker({ url: server.url, sendTimeoutMs: 30 * 86_400_000 });
  const envelope = { id: 'a', queue: 'long-limit', body: Buffer.from('[]'), headers: {} };
  expect(await broker.publish([envelope])).toEqual([{ id: 'a', isNew: true }]);
  await broker.close();
  expect(() => new RedisBroker({ url: server.url, sendTimeoutMs: 0 })).toThrow(/sendTimeoutMs must be a number/);
});

it('a send of a process that never reached Redis is not stored, and one that was sent may be', async () => {
  const unreached = new RedisBroker({ url: 'redis://127.0.0.1:1', sendTimeoutMs: 100 });
  const message = (id: string) => ({ id, queue: 'never-up', body: Buffer.from('[]'), headers: {} });
  for (const more of [{}, { expiresAt: 1 }, { idempotencyKey: 'k' }]) {
    await expect(unreached.publish([{ ...message('a'), ...more }])).rejects.toMatchObject({
      code: 'BROKER_UNAVAILABLE',
      mayBeStored: false,
    });
  }
  await unreached.close();
  const own = await RedisServer.start();
  const reached = new RedisBroker({ url: own.url, sendTimeoutMs: 300 });
  await reached.publish([message('b')]);
  await own.stop();
  await expect(reached.publish([message('c')])).rejects.toMatchObject({ mayBeStored: undefined });
  await reached.close();
});
