import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BURST, RATE, SLOTS } from '../fixtures/apps/limited.ts';
import { RabbitServer } from '../support/rabbitmq-server.ts';
import { RedisServer } from '../support/redis-server.ts';
import { figures } from './fault-bench.ts';
import { limitChaos, storeUnreachable } from './limit-chaos.ts';

let rabbit: RabbitServer;
let redis: RedisServer;
beforeAll(async () => {
  [rabbit, redis] = await Promise.all([RabbitServer.start(), RedisServer.start()]);
}, 90_000);
afterAll(() => Promise.all([rabbit?.stop(), redis?.stop()]));
const KILLS = Number(process.env.BROKKR_LIMIT_KILLS ?? 50);

describe('limits on rabbitmq, counted by redis, under kill -9', () => {
  it(`20 keys of ${SLOTS} slots: never more at the same time, nothing lost, no permit left`, async () => {
    const [messages, url, storeUrl] = [80 * KILLS, rabbit.url, redis.url];
    const report = await limitChaos({ url, storeUrl, task: 'keyed', messages, keys: 20, kills: KILLS });
    const { parksPerMessage: _, ...known } = report;
    figures('limits: slots, rabbitmq', known);
    expect(report).toMatchObject({ kills: KILLS, ended: messages, permitsLeft: 0, waitersLeft: 0 });
    expect(report.mostOfKey).toBeLessThanOrEqual(SLOTS);
  }, 900_000);

  it(`${RATE} a second with a burst of ${BURST}: never more in any second, nothing lost`, async () => {
    const [messages, url, storeUrl] = [100 * KILLS, rabbit.url, redis.url];
    const report = await limitChaos({ url, storeUrl, task: 'paced', messages, keys: 1, kills: KILLS });
    const { parksPerMessage: _, ...known } = report;
    figures('limits: rate, rabbitmq', known);
    expect(report).toMatchObject({ kills: KILLS, ended: messages, waitersLeft: 0 });
    // The handlers write when they started, by their own clocks and a little after the permit.
    expect(report.mostInSecond).toBeLessThanOrEqual((RATE + BURST) * 1.1);
  }, 900_000);

  it('a store that is unreachable for 5 s: nothing starts, nothing is lost, and all run afterwards', async () => {
    const [messages, url, storeUrl] = [600, rabbit.url, redis.url];
    const report = await storeUnreachable({ url, storeUrl, task: 'keyed', messages, keys: 20 }, redis, 5_000);
    figures('limits: store unreachable, rabbitmq', { ...report });
    expect(report).toMatchObject({ ended: messages, startsMeanwhile: 0, permitsLeft: 0 });
    expect(report.mostOfKey).toBeLessThanOrEqual(SLOTS);
  }, 300_000);
});
