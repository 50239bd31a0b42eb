import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { RedisServer } from '../../../test/support/redis-server.ts';
import type { Client } from '../src/connection/connect.ts';
import { Connection } from '../src/connection/connection.ts';
import { RedisBroker } from '../src/index.ts';
import { asBrokerError } from '../src/connection/redis-errors.ts';

const server = await RedisServer.start();
afterAll(() => server.stop());

/** A client that lost its way: it says that it is about to connect, and never does. */
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

it('a client that never comes back is replaced once its calls have failed for long enough', async () => {
  const lost = new LostClient();
  const sound = server.client();
  const connection = new Connection(lost as unknown as Client, {
    timeoutMs,
    check: async () => undefined,
    renew: () => sound,
    silenceMs: 150,
  });
  expect(await askUntilAnswered(connection)).toBeGreaterThan(1);
  expect(connection.client).toBe(sound);
  expect(lost.ends).toEqual([false]);
  sound.disconnect();
});

it('a client of the application is told to reconnect, and kept', async () => {
  const lost = new LostClient();
  const connection = new Connection(lost as unknown as Client, {
    timeoutMs,
    check: async () => undefined,
    silenceMs: 150,
  });
  await expect
    .poll(
      async () => {
        await connection.call((client) => client.ping()).catch(() => undefined);
        return lost.ends;
      },
      { timeout: 5_000, interval: 1 },
    )
    .toEqual([true]);
  expect(connection.client).toBe(lost);
});

it('a server that refuses has answered: its client is kept', async () => {
  const sound = server.client();
  const connection = new Connection(sound, { timeoutMs, check: async () => undefined, silenceMs: 0 });
  await connection.call((client) => client.ping());
  await expect(connection.call((client) => client.call('NONSENSE'))).rejects.toMatchObject({
    code: 'BROKER_REFUSED',
  });
  await expect(connection.call((client) => client.call('NONSENSE'))).rejects.toMatchObject({
    code: 'BROKER_REFUSED',
  });
  expect(connection.breaks).toBe(0);
  sound.disconnect();
});

it('what a client rejects after it was given up leaves nothing that nobody catches', async () => {
  const sound = server.client();
  const connection = new Connection(sound, { timeoutMs, check: async () => undefined });
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
  sound.disconnect();
});

it('closing ends the calls that a hanging server has not answered', async () => {
  const sound = server.client();
  const connection = new Connection(sound, { timeoutMs, check: async () => undefined });
  await connection.call((client) => client.ping());
  const hanging = connection.call(() => new Promise<never>(() => undefined), { timeoutMs: 60_000 });
  connection.close();
  await expect(hanging).rejects.toMatchObject({ code: 'BROKER_CLOSED' });
  sound.disconnect();
});

it('a user that the server does not let in is told so at once, and his password is nowhere in it', async () => {
  const broker = new RedisBroker({
    url: `redis://nobody:wr0ng-secret@127.0.0.1:${server.port}`,
    sendTimeoutMs: 60_000,
  });
  const refused: unknown = await broker.inspector.queues().catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'BROKER_REFUSED', message: expect.stringContaining('WRONGPASS') });
  expect(inspect(refused, { depth: 20, showHidden: true })).not.toContain('wr0ng-secret');
  await broker.close();
});

it('nor is what was sent in the error of a cluster, which keeps what its last node said', () => {
  const said = Object.assign(new Error('WRONGPASS'), { command: { name: 'auth', args: ['wr0ng-secret'] } });
  const refused = asBrokerError(Object.assign(new Error('Failed to refresh slots cache.'), { lastNodeError: said }));
  expect(inspect(refused, { depth: 20, showHidden: true })).not.toContain('wr0ng-secret');
});
