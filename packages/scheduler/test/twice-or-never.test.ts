import { MemoryBroker } from '@brokkr/broker-memory';
import { ManualClock } from '@brokkr/core/testing';
import pino from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { JobOptions, SchedulerManager } from '../src/index.ts';
import { bench, ElectingOnly, onCleanUp } from './bench.ts';

afterEach(() => vi.useRealTimers());

/** A host whose wall clock can be set, which its timers do not feel. */
class HostClock extends ManualClock {
  setAheadMs = 0;

  override now(): number {
    return super.now() + this.setAheadMs;
  }
}

interface Place {
  readonly clock: HostClock;
  readonly broker: MemoryBroker;
}

function place(make = (clock: ManualClock): MemoryBroker => new MemoryBroker({ clock })): Place {
  const clock = new HostClock();
  const broker = make(clock);
  onCleanUp(() => broker.close());
  return { clock, broker };
}

interface Started {
  readonly scheduler: SchedulerManager;
  readonly lines: readonly { msg: string; tick?: string }[];
}

async function start({ clock, broker }: Place, options: Partial<JobOptions> = {}): Promise<Started> {
  const { tm, scheduler } = bench();
  const lines: { msg: string }[] = [];
  tm.configure({ broker, clock, logger: pino({}, { write: (line: string) => lines.push(JSON.parse(line)) }) });
  const ping = tm.task({ name: 'ping', queueName: 'q' }, async (..._: unknown[]) => undefined);
  scheduler.addJob({ id: 'p', func: ping.send, trigger: 'interval', seconds: 10, ...(options as object) });
  await scheduler.start();
  return { scheduler, lines };
}

async function sent({ broker }: Place): Promise<number | undefined> {
  return (await broker.inspector.counts('q')).published;
}

describe('not at all', () => {
  it('a jitter longer than the interval costs no tick, and keeps their order', async () => {
    const given = place();
    const { scheduler } = await start(given, { jitter: '5m', misfireGraceTime: 5 });
    await given.clock.advance(1_000_000);
    // The last one may still be on its way.
    expect(await sent(given)).toBeGreaterThanOrEqual(99);
    expect(scheduler.getJobs()[0]?.missed).toBe(0);
  });

  it('no grace at all still sends what is on time by some milliseconds', async () => {
    const given = place();
    await start(given, { misfireGraceTime: 0 });
    const real = given.broker.states.get.bind(given.broker.states);
    given.broker.states.get = async (key) => {
      // As a busy machine would be.
      given.clock.setAheadMs += 50;
      return real(key);
    };
    await given.clock.advance(10_000);
    expect(await sent(given)).toBe(1);
  });

  it('a last tick that a host with a wrong clock has written does not silence the job', async () => {
    const given = place();
    await given.broker.states.set('schedule:last:p', String(given.clock.now() + 365 * 86_400_000));
    const { lines } = await start(given);
    await given.clock.advance(30_000);
    expect(await sent(given)).toBe(3);
    expect(lines.map(({ msg }) => msg)).toContainEqual(expect.stringMatching(/lies in the future/));
  });

  it('state that is none is taken for none', async () => {
    const given = place();
    await given.broker.states.set('schedule:last:p', '__proto__');
    await start(given);
    await given.clock.advance(30_000);
    expect(await sent(given)).toBe(3);
  });

  it('a host whose clock is set, or that slept, sends its ticks by the new time', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const given = place();
    await start(given, { trigger: 'interval', seconds: 3_600 } as never);
    await given.clock.advance(60_000);
    given.clock.setAheadMs = 3_540_000 - 10;
    vi.advanceTimersByTime(10_000);
    await given.clock.advance(10);
    expect(await sent(given)).toBe(1);
  });

  it('a tick that lies between the first start and the next one is not forgotten', async () => {
    const given = place();
    const first = await start(given);
    await given.clock.advance(5_000);
    await first.scheduler.stop();
    await given.clock.advance(10_000);
    await start(given);
    await given.clock.advance(0);
    expect(await sent(given)).toBe(1);
  });

  it('of thousands of ticks in time the last one stands for all, or each is sent', async () => {
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
      // So many sends let the event loop turn between them, and a round of a thousand waits for the clock.
      const all = async () => {
        await given.clock.advance(1);
        expect(await sent(given)).toBe(expected);
      };
      await vi.waitFor(all, { timeout: 5_000 });
    }
  });

  it('a year of missed seconds is passed over, and told of', async () => {
    const given = place();
    const first = await start(given, { trigger: 'interval', seconds: 1 } as never);
    await first.scheduler.stop();
    await given.clock.advance(365 * 86_400_000);
    const { lines } = await start(given, { trigger: 'interval', seconds: 1 } as never);
    await given.clock.advance(10_000);
    expect(await sent(given)).toBe(11);
    expect(lines.map(({ msg }) => msg)).toContainEqual(
      expect.stringMatching(/more ticks were missed than are counted/),
    );
  });

  it('a tick that can never be sent is told of once, and holds up no other', async () => {
    const given = place();
    const { scheduler, lines } = await start(given, { args: [1n] } as never);
    await given.clock.advance(30_000);
    expect(scheduler.getJobs()[0]?.missed).toBe(3);
    expect(lines.filter(({ msg }) => msg.startsWith('tick missed'))).toHaveLength(3);
  });

  it('an idempotency key of the job itself does not make its ticks one', async () => {
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

describe('twice', () => {
  it('a send that fails in the middle of a catch-up repeats none of those before it, without keys either', async () => {
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

  it('a state that could not be written is written later, and the tick is not sent again', async () => {
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

  it('a clock that is set back sends no tick again', async () => {
    const given = place((clock) => new ElectingOnly({ clock }));
    await start(given);
    await given.clock.advance(60_000);
    given.clock.setAheadMs = -30_000;
    await given.clock.advance(29_000);
    expect(await sent(given)).toBe(6);
    await given.clock.advance(12_000);
    expect(await sent(given)).toBe(7);
  });

  it('a job that is replaced many times in a row has one timer', async () => {
    const given = place((clock) => new ElectingOnly({ clock }));
    const { scheduler } = await start(given);
    for (let again = 0; again < 20; again++) scheduler.rescheduleJob('p', { trigger: 'interval', seconds: 5 });
    await given.clock.advance(20_000);
    expect(await sent(given)).toBe(4);
    await scheduler.removeJob('p');
    await given.clock.advance(20_000);
    expect(await sent(given)).toBe(4);
  });

  it('a job that is removed while its state is read does not come back', async () => {
    const given = place();
    const { scheduler } = await start(given);
    scheduler.rescheduleJob('p', { trigger: 'interval', seconds: 5 });
    await scheduler.removeJob('p');
    await given.clock.advance(60_000);
    expect(await sent(given)).toBe(0);
  });

  it('a pause outlives a new trigger', async () => {
    const given = place();
    const { scheduler } = await start(given);
    await scheduler.pauseJob('p');
    expect(scheduler.rescheduleJob('p', { trigger: 'interval', seconds: 5 }).paused).toBe(true);
    await given.clock.advance(60_000);
    expect(await sent(given)).toBe(0);
  });
});
