import { expect, it } from 'vitest';
import { randomUUID } from 'node:crypto';
import { someRedis } from '../../../test/support/redis-server.ts';
import { expectedRows, runShop } from './run-shop.ts';

it('runs to its end on Redis with TASK_BROKER_URL alone, and prints the same as on the memory broker', async () => {
  const server = await someRedis();
  try {
    expect(await runShop(server.url, `shop-${randomUUID()}`)).toEqual(expectedRows);
  } finally {
    await server.stop();
  }
}, 60_000);
