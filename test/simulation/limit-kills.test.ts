import { describe, expect, it } from 'vitest';
import { limitKills } from './limit-kills.ts';
import { seedOf } from '../support/seeded-random.ts';

const KILLS = 50;
const MESSAGES = 2_000;
const seed = seedOf('BROKKR_SIM_SEED');

describe(`limits on the memory broker, in virtual time, under ${KILLS} kills (BROKKR_SIM_SEED=${seed})`, () => {
  it('20 keys of 2 slots: never more at the same time, nothing lost, no permit left', async () => {
    const { startedAt: _, ...report } = await limitKills({
      seed,
      limit: { concurrency: 2 },
      keys: 20,
      messages: MESSAGES,
      kills: KILLS,
    });
    expect(report).toMatchObject({ kills: KILLS, ended: MESSAGES, permitsLeft: 0, waitersLeft: 0 });
    expect(report.mostOfKey).toBe(2);
  });

  it('200 a second with a burst of 20: never more in any second, nothing lost', async () => {
    const rate = { rate: 200, burst: 20 };
    const { startedAt, ...report } = await limitKills({ seed, limit: rate, keys: 1, messages: MESSAGES, kills: KILLS });
    let mostInSecond = 0;
    for (const [from, at] of startedAt.entries()) {
      const next = startedAt.findIndex((other) => other > at + 1_000);
      mostInSecond = Math.max(mostInSecond, (next < 0 ? startedAt.length : next) - from);
    }
    expect(report).toMatchObject({ kills: KILLS, ended: MESSAGES, permitsLeft: 0, waitersLeft: 0 });
    // 220 are granted. Answers take up to 8 ms, in which two more may start.
    expect(mostInSecond).toBeLessThanOrEqual(222);
    expect(mostInSecond).toBeGreaterThan(180);
  });
});
