import { expect, it } from 'vitest';
import { RedisServer } from '../../../test/support/redis-server.ts';
import { expectedRows, runShop } from './run-shop.ts';

it('runs to its end on Redis by TASK_BROKER_URL alone, and prints what it prints on the memory broker', async () => {
  const server = await RedisServer.start();
  try {
    expect(await runShop(server.url)).toEqual(expectedRows);
  } finally {
    await server.stop();
  }
}, 60_000);
