import { firstMessages } from '@brokkr/core/adapter';
import { MemoryBroker } from '@brokkr/broker-memory';
import type { Task } from '@brokkr/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ElectingOnly, HostClock, type Line, onCleanUp, type Place, place, sent, start } from './bench.ts';

afterEach(() => vi.useRealTimers());

const DAY = 86_400_000;
const everySecond = { trigger: 'interval', seconds: 1 } as never;

/** Two hosts on one broker, each with a clock of its own. */
function twoHosts(aheadMs: number): readonly [Place, Place] {
  const broker = new MemoryBroker({ clock: new HostClock() });
  onCleanUp(() => broker.close());
  const hosts = [new HostClock(), new HostClock()] as const;
  hosts[1].setAheadMs = aheadMs;
  return [
    { clock: hosts[0], broker },
    { clock: hosts[1], broker },
  ];
}

async function advance(ms: number, ...clocks: readonly HostClock[]): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) for (const clock of clocks) await clock.advance(250);
}

/** The warnings of the scheduler. The memory broker warns of messages that no worker will run. */
function warnings(lines: readonly Line[]): string[] {
  return lines.filter(({ level, msg }) => level >= 40 && /tick|clock/.test(msg)).map(({ msg }) => msg);
}

/** The instants of the ticks in the queue, as offsets from `from` in seconds. */
async function ticksSince({ broker }: Place, from: number): Promise<number[]> {
  const envelopes = await firstMessages(broker.inspector, 'q', 'ready', 10_000);
  return envelopes.map(({ headers }) => (Date.parse(headers['scheduled-at'] ?? '') - from) / 1_000);
}

describe.each([
  ['idempotency keys', undefined],
  ['elections', (clock: HostClock) => new ElectingOnly({ clock })],
] as const)('the clock of the host goes back, on a broker with %s', (_, make) => {
  it.each([5, 30, 600, 7_200, 400 * 86_400])(
    'by %d s: a job of every second goes on within three seconds',
    async (back) => {
      const given = place(make as never);
      const { scheduler, lines } = await start(given, everySecond);
      await given.clock.advance(4_500);
      expect(await sent(given)).toBe(4);
      given.clock.setAheadMs = -back * 1_000;
      await given.clock.advance(20_000);
      // Three ticks are late, of which coalesce sends the last.
      expect(await sent(given)).toBeGreaterThanOrEqual(4 + 17);
      expect(await sent(given)).toBeLessThanOrEqual(4 + 20);
      expect(scheduler.getJobs()[0]?.missed).toBe(0);
      expect(warnings(lines)).toEqual([expect.stringMatching(/^the clock of this host went back/)]);
      // At the old last tick, nothing happens twice or not at all.
      const before = (await sent(given)) as number;
      await given.clock.advance(20_000);
      expect((await sent(given)) as number).toBe(before + 20);
    },
  );

  it('by less than an interval: no tick is sent for the second time', async () => {
    const given = place(make as never);
    const { scheduler } = await start(given, { trigger: 'cron', hour: 2, timezone: 'UTC' } as never);
    await given.clock.advance(2 * 3_600_000 + 60_000);
    expect(await sent(given)).toBe(1);
    given.clock.setAheadMs = -3_600_000;
    await given.clock.advance(3_600_000);
    expect(await sent(given)).toBe(1);
    expect(scheduler.getJobs()[0]?.nextRunAt?.toISOString()).toBe('2030-01-02T02:00:00.000Z');
    await given.clock.advance(24 * 3_600_000);
    expect(await sent(given)).toBe(2);
  });

  it('a one-off job is not sent for the second time', async () => {
    const given = place(make as never);
    const runDate = new Date(given.clock.now() + 60_000);
    const { scheduler } = await start(given, { trigger: 'date', runDate } as never);
    await given.clock.advance(61_000);
    given.clock.setAheadMs = -600_000;
    await given.clock.advance(1_200_000);
    expect(await sent(given)).toBe(1);
    expect(scheduler.getJobs()[0]?.nextRunAt).toBeUndefined();
  });

  it('nextRunAt is the instant of a tick that is sent', async () => {
    const given = place(make as never);
    const { scheduler } = await start(given, everySecond);
    await given.clock.advance(10_500);
    given.clock.setAheadMs = -600_000;
    const promised: number[] = [];
    for (let look = 0; look < 40; look++) {
      promised.push(scheduler.getJobs()[0]?.nextRunAt?.getTime() as number);
      expect((promised.at(-1) as number) - given.clock.now()).toBeGreaterThan(0);
      expect((promised.at(-1) as number) - given.clock.now()).toBeLessThan(4_000);
      await given.clock.advance(250);
    }
    const done = new Set((await ticksSince(given, 0)).map((seconds) => seconds * 1_000));
    for (const at of promised.slice(8)) if (at < given.clock.now() - 1_000) expect(done).toContain(at);
  });

  it('twice in a row: ticks go on each time', async () => {
    const given = place(make as never);
    await start(given, everySecond);
    await given.clock.advance(60_500);
    for (const back of [600_000, 620_000, 640_000]) {
      given.clock.setAheadMs = -back;
      const before = (await sent(given)) as number;
      await given.clock.advance(15_000);
      expect((await sent(given)) as number).toBeGreaterThanOrEqual(before + 12);
    }
  });

  it('and is right again: ticks that were sent before are not sent again, nor counted as missed', async () => {
    const given = place(make as never);
    const { scheduler } = await start(given, everySecond);
    await given.clock.advance(300_500);
    given.clock.setAheadMs = -600_000;
    await given.clock.advance(30_000);
    const before = (await sent(given)) as number;
    given.clock.setAheadMs = 0;
    await given.clock.advance(10_000);
    // 30 s passed by the right clock: in these, coalesce sends one tick.
    expect((await sent(given)) as number).toBeLessThanOrEqual(before + 12);
    expect((await sent(given)) as number).toBeGreaterThanOrEqual(before + 9);
    expect(scheduler.getJobs()[0]?.missed).toBe(0);
  });

  it('while the scheduler is stopped: a job of every second goes on after the start, with one warning', async () => {
    const given = place(make as never);
    const first = await start(given, everySecond);
    await given.clock.advance(60_500);
    await first.scheduler.stop();
    given.clock.setAheadMs = -600_000;
    const { lines } = await start(given, everySecond);
    await given.clock.advance(20_000);
    expect(await sent(given)).toBeGreaterThanOrEqual(60 + 17);
    expect(warnings(lines)).toEqual([expect.stringMatching(/^the last tick lies in the future/)]);
  });

  it('a paused job stays paused, and is resumed by the new time', async () => {
    const given = place(make as never);
    const { scheduler } = await start(given, everySecond);
    await given.clock.advance(10_500);
    await scheduler.pauseJob('p');
    given.clock.setAheadMs = -600_000;
    await given.clock.advance(20_000);
    expect(await sent(given)).toBe(10);
    await scheduler.resumeJob('p');
    await given.clock.advance(10_000);
    expect(await sent(given)).toBeGreaterThanOrEqual(10 + 7);
  });
});

describe('the clock of the host goes ahead, or the machine sleeps', () => {
  it('by an hour: the missed ticks of a thousand jobs are one line, and each job goes on', async () => {
    const given = place();
    const { scheduler, lines } = await start(given, everySecond);
    const { send } = scheduler.managers()[0].get('ping') as Task<[]>;
    for (let n = 1; n < 1_000; n++) scheduler.addJob({ id: `p${n}`, func: send, trigger: 'interval', seconds: 60 });
    await given.clock.advance(1_500);
    given.clock.setAheadMs = 3_600_000;
    await given.clock.advance(30_000);
    expect(warnings(lines)).toEqual([
      expect.stringMatching(/^at least \d+ ticks missed by 1000 jobs: due longer ago than misfireGraceTime$/),
    ]);
    expect(scheduler.getJobs()[1]?.missed).toBeGreaterThanOrEqual(58);
    expect(await sent(given)).toBeGreaterThan(1_000 + 28);
  });

  it('and back after a minute: a job of every second goes on both times', async () => {
    const given = place();
    await start(given, everySecond);
    await given.clock.advance(10_500);
    given.clock.setAheadMs = 3_600_000;
    await given.clock.advance(60_000);
    const before = (await sent(given)) as number;
    expect(before).toBeGreaterThanOrEqual(10 + 59);
    given.clock.setAheadMs = 0;
    await given.clock.advance(60_000);
    expect(await sent(given)).toBeGreaterThanOrEqual(before + 56);
  });

  it('is noticed within ten seconds, before the timer of the next tick', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const given = place();
    await start(given, { trigger: 'interval', seconds: 3_600 } as never);
    await given.clock.advance(60_000);
    given.clock.setAheadMs = 3_540_000 - 10;
    vi.advanceTimersByTime(10_000);
    await given.clock.advance(10);
    expect(await sent(given)).toBe(1);
  });
});

describe('the last tick lies far in the future, written by a host with a wrong clock', () => {
  it('a job of every ten seconds goes on, and sends each tick', async () => {
    const given = place();
    await given.broker.states.set('schedule:last:p', String(given.clock.now() + 365 * DAY));
    const { lines } = await start(given, { coalesce: false });
    await given.clock.advance(40_000);
    expect(await sent(given)).toBe(4);
    expect(warnings(lines)).toEqual([expect.stringMatching(/lies in the future/)]);
  });

  it('a daily job sends the tick of the next day', async () => {
    const given = place();
    await given.broker.states.set('schedule:last:p', String(given.clock.now() + 365 * DAY));
    await start(given, { trigger: 'cron', hour: 2, timezone: 'UTC' } as never);
    await given.clock.advance(3 * DAY);
    expect(await sent(given)).toBe(3);
  });
});

describe('two schedulers with clocks that differ', () => {
  it.each([2_000, 20_000, 45_000, 600_000, 2 * 3_600_000])('by %d ms: each tick is sent once', async (aheadMs) => {
    const [behind, ahead] = twoHosts(aheadMs);
    const from = ahead.clock.now();
    await start(behind, everySecond);
    await start(ahead, everySecond);
    await advance(30_000, behind.clock, ahead.clock);
    const ticks = (await ticksSince(ahead, from)).filter((second) => second > 0);
    expect(ticks.length).toBeGreaterThanOrEqual(29);
    expect(new Set(ticks).size).toBe(ticks.length);
  });

  it('the one ahead stops: the other goes on by its own time', async () => {
    const [behind, ahead] = twoHosts(600_000);
    await start(behind, everySecond);
    const other = await start(ahead, everySecond);
    await advance(20_000, behind.clock, ahead.clock);
    await other.scheduler.stop();
    const before = (await sent(behind)) as number;
    await advance(20_000, behind.clock);
    expect(await sent(behind)).toBeGreaterThanOrEqual(before + 16);
  });

  it('the clock of one goes back: the other sends the ticks, each once', async () => {
    const [first, second] = twoHosts(0);
    const from = first.clock.now();
    await start(first, everySecond);
    await start(second, everySecond);
    await advance(10_500, first.clock, second.clock);
    first.clock.setAheadMs = -600_000;
    await advance(60_000, first.clock, second.clock);
    const ticks = await ticksSince(first, from);
    expect(ticks).toEqual(Array.from({ length: 70 }, (_, index) => index + 1));
  });

  it('both go back: each tick of the new time is sent once', async () => {
    const [first, second] = twoHosts(0);
    await start(first, everySecond);
    await start(second, everySecond);
    await advance(10_500, first.clock, second.clock);
    for (const { clock } of [first, second]) clock.setAheadMs = -600_000;
    await advance(30_000, first.clock, second.clock);
    const again = (await ticksSince(first, first.clock.now())).filter((seconds) => seconds <= 0);
    expect(again.length).toBeGreaterThanOrEqual(26);
    expect(new Set(again).size).toBe(again.length);
  });
});
