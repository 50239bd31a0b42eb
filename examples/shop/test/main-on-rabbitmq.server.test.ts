import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { someRabbit } from '../../../test/support/rabbitmq-server.ts';
import { expectedRows, runShop } from './run-shop.ts';

it('runs to its end on RabbitMQ with TASK_BROKER_URL alone, and prints the same as on the memory broker', async () => {
  const server = await someRabbit();
  try {
    expect(await runShop(server.url, `shop-${randomUUID()}`)).toEqual(expectedRows);
  } finally {
    await server.stop();
  }
}, 120_000);
