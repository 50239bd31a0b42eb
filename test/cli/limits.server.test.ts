import { afterAll, describe, expect, it } from 'vitest';
import { limitChaos } from '../faults/limit-chaos.ts';
import { SLOTS } from '../fixtures/apps/limited.ts';
import { RedisServer } from '../support/redis-server.ts';

const server = await RedisServer.start();
afterAll(() => server.stop());

describe('limits with killed workers', () => {
  it('hold, and lose no message and no slot', async () => {
    const report = await limitChaos({ url: server.url, task: 'keyed', messages: 240, keys: 6, kills: 3 });
    expect(report).toMatchObject({ kills: 3, ended: 240, permitsLeft: 0, waitersLeft: 0 });
    expect(report.mostOfKey).toBeLessThanOrEqual(SLOTS);
  }, 120_000);
});
