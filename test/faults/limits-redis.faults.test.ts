import { afterAll, describe, expect, it } from 'vitest';
import { RedisServer } from '../support/redis-server.ts';
import { BURST, RATE, SLOTS } from '../fixtures/apps/limited.ts';
import { figures } from './fault-bench.ts';
import { limitChaos, storeUnreachable } from './limit-chaos.ts';

const server = await RedisServer.start();
afterAll(() => server.stop());
const KILLS = Number(process.env.BROKKR_LIMIT_KILLS ?? 50);

describe('limits on redis under kill -9', () => {
  it(`20 keys of ${SLOTS} slots: never more at the same time, nothing lost, no permit left`, async () => {
    const report = await limitChaos({ url: server.url, task: 'keyed', messages: 220 * KILLS, keys: 20, kills: KILLS });
    figures('limits: slots', { ...report, parksPerMessage: report.parksPerMessage ?? 0 });
    expect(report).toMatchObject({ kills: KILLS, ended: 220 * KILLS, permitsLeft: 0, waitersLeft: 0 });
    expect(report.mostOfKey).toBeLessThanOrEqual(SLOTS);
  }, 600_000);

  it(`${RATE} a second with a burst of ${BURST}: never more in any second, nothing lost`, async () => {
    const report = await limitChaos({ url: server.url, task: 'paced', messages: 220 * KILLS, keys: 1, kills: KILLS });
    figures('limits: rate', { ...report, parksPerMessage: report.parksPerMessage ?? 0 });
    expect(report).toMatchObject({ kills: KILLS, ended: 220 * KILLS, waitersLeft: 0 });
    // The handlers write when they started, by their own clocks and a little after the permit.
    expect(report.mostInSecond).toBeLessThanOrEqual((RATE + BURST) * 1.1);
  }, 600_000);

  it('a server that is unreachable for 5 s: nothing starts, nothing is lost, and all run afterwards', async () => {
    const report = await storeUnreachable({ url: server.url, task: 'keyed', messages: 1_500, keys: 20 }, server, 5_000);
    figures('limits: server unreachable', { ...report });
    expect(report).toMatchObject({ ended: 1_500, startsMeanwhile: 0, permitsLeft: 0 });
    expect(report.mostOfKey).toBeLessThanOrEqual(SLOTS);
  }, 300_000);
});
