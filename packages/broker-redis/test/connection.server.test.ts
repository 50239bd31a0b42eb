import { EventEmitter } from 'node:events';
import { afterAll, expect, it } from 'vitest';
import { RedisServer } from '../../../test/support/redis-server.ts';
import type { Client } from '../src/connect.ts';
import { Connection } from '../src/connection.ts';

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

const patience = { patienceMs: 60 };

async function askUntilAnswered(connection: Connection): Promise<number> {
  let failures = 0;
  await expect
    .poll(
      async () => {
        try {
          return await connection.call((client) => client.ping(), patience);
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
  const connection = new Connection(lost as unknown as Client, { check: async () => undefined, silenceMs: 150 });
  await expect
    .poll(
      async () => {
        await connection.call((client) => client.ping(), patience).catch(() => undefined);
        return lost.ends;
      },
      { timeout: 5_000, interval: 1 },
    )
    .toEqual([true]);
  expect(connection.client).toBe(lost);
});

it('a server that refuses has answered: its client is kept', async () => {
  const sound = server.client();
  const connection = new Connection(sound, { check: async () => undefined, silenceMs: 0 });
  await connection.call((client) => client.ping(), patience);
  await expect(connection.call((client) => client.call('NONSENSE'), patience)).rejects.toMatchObject({
    code: 'BROKER_REFUSED',
  });
  await expect(connection.call((client) => client.call('NONSENSE'), patience)).rejects.toMatchObject({
    code: 'BROKER_REFUSED',
  });
  expect(connection.breaks).toBe(0);
  sound.disconnect();
});
