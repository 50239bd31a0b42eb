import { afterAll, describe, expect, it } from 'vitest';
import { limitChaos } from '../faults/limit-chaos.ts';
import { SLOTS } from '../fixtures/apps/limited.ts';
import { RabbitServer } from '../support/rabbitmq-server.ts';
import { RedisServer } from '../support/redis-server.ts';

const redis = await RedisServer.start();
afterAll(() => redis.stop());

describe('limits with killed workers hold, and lose no message and no slot', () => {
  it('on Redis', async () => {
    const report = await limitChaos({ url: redis.url, task: 'keyed', messages: 240, keys: 6, kills: 3 });
    expect(report).toMatchObject({ kills: 3, ended: 240, permitsLeft: 0, waitersLeft: 0 });
    expect(report.mostOfKey).toBeLessThanOrEqual(SLOTS);
  }, 120_000);

  it('on RabbitMQ, with Redis as the store', async () => {
    const rabbit = await RabbitServer.start();
    try {
      const [url, storeUrl] = [rabbit.url, redis.url];
      const report = await limitChaos({ url, storeUrl, task: 'keyed', messages: 60, keys: 6, kills: 1 });
      expect(report).toMatchObject({ kills: 1, ended: 60, permitsLeft: 0, waitersLeft: 0 });
      expect(report.mostOfKey).toBeLessThanOrEqual(SLOTS);
    } finally {
      await rabbit.stop();
    }
  }, 180_000);
});
