import { describe, expect, it, vi } from 'vitest';
import { bench, ElectingOnly, place, sent, start } from './bench.ts';

describe('no tick is lost', () => {
  it('if the jitter is longer than the interval', async () => {
    const given = place();
    const { scheduler } = await start(given, { jitter: '5m', misfireGraceTime: 5 });
    await given.clock.advance(1_000_000);
    // The last tick may not be due yet.
    expect(await sent(given)).toBeGreaterThanOrEqual(99);
    expect(scheduler.getJobs()[0]?.missed).toBe(0);
  });

  it('if misfireGraceTime is 0 and the tick is late by some milliseconds', async () => {
    const given = place();
    await start(given, { misfireGraceTime: 0 });
    const real = given.broker.states.get.bind(given.broker.states);
    given.broker.states.get = async (key) => {
      // As on a busy machine.
      given.clock.setAheadMs += 50;
      return real(key);
    };
    await given.clock.advance(10_000);
    expect(await sent(given)).toBe(1);
  });

  it.each(['__proto__', '9999999999999999', '-9999999999999999', '1 2 3', '8640000000000001', 'NaN', ''])(
    'if another program has written %j as the state',
    async (state) => {
      const given = place();
      await given.broker.states.set('schedule:last:p', state);
      await start(given);
      await given.clock.advance(30_000);
      expect(await sent(given)).toBe(3);
    },
  );

  it('if it is due between a stop and the next start', async () => {
    const given = place();
    const first = await start(given);
    await given.clock.advance(5_000);
    await first.scheduler.stop();
    await given.clock.advance(10_000);
    await start(given);
    await given.clock.advance(0);
    expect(await sent(given)).toBe(1);
  });

  it('if thousands are late and in time: the last one is sent, or with coalesce: false each of them', async () => {
    for (const [coalesce, expected] of [
      [true, 1],
      [false, 2_500],
    ] as const) {
      const given = place();
      const each = { trigger: 'interval', seconds: 1, coalesce, misfireGraceTime: '1h' } as never;
      const first = await start(given, each);
      await first.scheduler.stop();
      await given.clock.advance(2_500_000);
      await start(given, each);
      await given.clock.advance(10);
      // The sends take turns of the event loop, and each round of a thousand waits for the clock.
      const all = async () => {
        await given.clock.advance(1);
        expect(await sent(given)).toBe(expected);
      };
      await vi.waitFor(all, { timeout: 5_000 });
    }
  });

  it('if a scheduler was stopped for a year: it reports the missed ticks in one line, and goes on', async () => {
    const given = place();
    const first = await start(given, { trigger: 'interval', seconds: 1 } as never);
    await first.scheduler.stop();
    await given.clock.advance(365 * 86_400_000);
    const { lines } = await start(given, { trigger: 'interval', seconds: 1 } as never);
    await given.clock.advance(10_000);
    expect(await sent(given)).toBe(11);
    expect(lines.filter(({ msg }) => /missed/.test(msg))).toMatchObject([
      { msg: 'at least 1001 ticks missed: due longer ago than misfireGraceTime' },
    ]);
  });

  it('if another tick can never be sent', async () => {
    const given = place();
    const { scheduler, lines } = await start(given, { args: [1n] } as never);
    await given.clock.advance(30_000);
    expect(scheduler.getJobs()[0]?.missed).toBe(3);
    await scheduler.stop();
    expect(lines.filter(({ msg }) => msg === 'tick missed: the task or the broker refuses it')).toHaveLength(3);
  });

  it('if the task is sent with an idempotency key of its own', async () => {
    const given = place();
    const { tm, scheduler } = bench();
    tm.configure({ ...given, logLevel: 'silent' });
    const ping = tm.task({ name: 'ping', queueName: 'q' }, async () => undefined);
    const func = ping.with({ idempotencyKey: 'mine' }).send;
    scheduler.addJob({ id: 'p', func, trigger: 'interval', seconds: 10 });
    await scheduler.start();
    await given.clock.advance(30_000);
    expect(await sent(given)).toBe(3);
  });
});

describe('no tick is sent twice', () => {
  it('if sending fails in the middle of many late ticks, even without idempotency keys', async () => {
    const given = place((clock) => new ElectingOnly({ clock }));
    const { broker, clock } = given;
    const options = { coalesce: false, misfireGraceTime: '1h' };
    const first = await start(given, options);
    await clock.advance(0);
    await first.scheduler.stop();
    await clock.advance(50_000);
    const real = broker.publish.bind(broker);
    let left = 3;
    broker.publish = (envelopes) => (left-- > 0 ? real(envelopes) : Promise.reject(new Error('away')));
    await start(given, options);
    await clock.advance(500);
    expect(await sent(given)).toBe(3);
    left = Number.POSITIVE_INFINITY;
    await clock.advance(2_000);
    expect(await sent(given)).toBe(5);
  });

  it('if the state could not be stored in time: it is stored later', async () => {
    const given = place((clock) => new ElectingOnly({ clock }));
    const { broker, clock } = given;
    const { scheduler } = await start(given);
    await clock.advance(9_000);
    const real = broker.states.set.bind(broker.states);
    broker.states.set = () => Promise.reject(new Error('away'));
    await clock.advance(3_000);
    broker.states.set = real;
    await clock.advance(2_000);
    await scheduler.stop();
    await start(given);
    await clock.advance(1_000);
    expect(await sent(given)).toBe(1);
  });

  it('if the job is replaced many times in a row', async () => {
    const given = place((clock) => new ElectingOnly({ clock }));
    const { scheduler } = await start(given);
    for (let again = 0; again < 20; again++) scheduler.rescheduleJob('p', { trigger: 'interval', seconds: 5 });
    await given.clock.advance(20_000);
    expect(await sent(given)).toBe(4);
    await scheduler.removeJob('p');
    await given.clock.advance(20_000);
    expect(await sent(given)).toBe(4);
  });

  it('if the job is removed while its state is read', async () => {
    const given = place();
    const { scheduler } = await start(given);
    scheduler.rescheduleJob('p', { trigger: 'interval', seconds: 5 });
    await scheduler.removeJob('p');
    await given.clock.advance(60_000);
    expect(await sent(given)).toBe(0);
  });

  it('if the job is paused and gets another trigger', async () => {
    const given = place();
    const { scheduler } = await start(given);
    await scheduler.pauseJob('p');
    expect(scheduler.rescheduleJob('p', { trigger: 'interval', seconds: 5 }).paused).toBe(true);
    await given.clock.advance(60_000);
    expect(await sent(given)).toBe(0);
  });
});
