import { MemoryBroker, type MemoryBrokerOptions } from '@brokkr/broker-memory';
import { ConfigError, registerBroker } from '@brokkr/core';
import type { StateStore } from '@brokkr/core/adapter';
import { ManualClock } from '@brokkr/core/testing';
import pino from 'pino';
import { expect, it } from 'vitest';
import { bench, onCleanUp } from './bench.ts';

/** A memory broker that can be unreachable: then it rejects every call. */
class Moody extends MemoryBroker {
  away = false;

  override async publish(...args: Parameters<MemoryBroker['publish']>): ReturnType<MemoryBroker['publish']> {
    if (this.away) throw new Error('away');
    return super.publish(...args);
  }

  constructor(options: MemoryBrokerOptions) {
    super(options);
    Object.assign(this, { states: moodyStates(this.states, () => this.away) });
  }
}

function moodyStates(states: StateStore, isAway: () => boolean): StateStore {
  return {
    get: async (key) => {
      if (isAway()) throw new Error('away');
      return states.get(key);
    },
    set: async (key, value) => {
      if (isAway()) throw new Error('away');
      return states.set(key, value);
    },
  };
}

function moody() {
  const { tm, scheduler } = bench();
  const clock = new ManualClock();
  const broker = new Moody({ clock });
  onCleanUp(() => broker.close());
  const lines: { msg: string; job?: string; tick?: string }[] = [];
  tm.configure({ broker, clock, logger: pino({}, { write: (line: string) => lines.push(JSON.parse(line)) }) });
  const ping = tm.task({ name: 'ping', queueName: 'q' }, async () => undefined);
  const published = async () => (await broker.inspector.counts('q')).published;
  return { tm, scheduler, clock, broker, lines, ping, published };
}

it('a broker that is unreachable: ticks in time are sent when it is back, later ones are missed', async () => {
  const { tm, scheduler } = bench();
  const clock = new ManualClock();
  const broker = new MemoryBroker({ clock });
  onCleanUp(() => broker.close());
  let away = false;
  const real = broker.publish.bind(broker);
  broker.publish = (envelopes) => (away ? Promise.reject(new Error('away')) : real(envelopes));
  await tm.initialize({ broker, clock, logLevel: 'silent' });
  const ping = tm.task({ name: 'ping', queueName: 'q' }, async () => undefined);
  scheduler.addJob({ id: 'p', func: ping.send, trigger: 'interval', minutes: 10, coalesce: false });
  await scheduler.start();
  await clock.advance(590_000);
  away = true;
  await clock.advance(40_000);
  away = false;
  await clock.advance(2_000);
  expect((await broker.inspector.counts('q')).published).toBe(1);
  away = true;
  await clock.advance(600_000);
  await clock.advance(90_000);
  away = false;
  await clock.advance(60_000);
  expect((await broker.inspector.counts('q')).published).toBe(1);
  expect(scheduler.getJobs()[0]?.missed).toBe(1);
});

it('start() does not wait for an unreachable broker: ticks within misfireGraceTime are sent when it is back', async () => {
  const { scheduler, clock, broker, lines, ping, published } = moody();
  broker.away = true;
  scheduler.addJob({
    id: 'p',
    func: ping.send,
    trigger: 'interval',
    seconds: 10,
    coalesce: false,
    misfireGraceTime: 25,
  });
  await scheduler.start();
  await clock.advance(65_500);
  scheduler.addJob({ id: 'later', func: ping.send, trigger: 'interval', minutes: 10 });
  expect(await published()).toBe(0);
  broker.away = false;
  await clock.advance(1_000);
  // Ticks at 10, 20, 30 and 40 s are too late after 66 s; those at 50 and 60 s are not.
  expect(await published()).toBe(2);
  const [job] = scheduler.getJobs();
  expect(job?.missed).toBe(4);
  await clock.advance(1_000);
  expect(lines.filter(({ msg }) => msg.includes('missed'))).toMatchObject([
    { msg: expect.stringMatching(/^4 ticks missed: due longer ago than misfireGraceTime/), job: 'p', ticks: 4 },
  ]);
  expect(lines.filter(({ msg }) => msg.startsWith('the broker is unreachable'))).toHaveLength(1);
  await clock.advance(600_000);
  expect(await published()).toBe(2 + 60 + 1);
});

it('each tick of an outage is missed once, no matter how often sending was tried', async () => {
  const { scheduler, clock, broker, lines, ping, published } = moody();
  scheduler.addJob({
    id: 'p',
    func: ping.send,
    trigger: 'interval',
    seconds: 10,
    coalesce: false,
    misfireGraceTime: 5,
  });
  await scheduler.start();
  await clock.advance(11_000);
  broker.away = true;
  await clock.advance(50_000);
  expect(scheduler.getJobs()[0]?.missed).toBe(4);
  broker.away = false;
  await clock.advance(9_500);
  expect(await published()).toBe(1 + 2);
  expect(scheduler.getJobs()[0]?.missed).toBe(4);
  expect(lines.filter(({ msg }) => msg.startsWith('tick missed'))).toHaveLength(4);
});

it('stop() ends a start that waits for the broker; a pause that could not be stored has no effect', async () => {
  const { scheduler, clock, broker, ping, published } = moody();
  broker.away = true;
  scheduler.addJob({ id: 'p', func: ping.send, trigger: 'interval', seconds: 10 });
  await scheduler.start();
  await expect(scheduler.pauseJob('p')).rejects.toThrow('away');
  expect(scheduler.getJobs()[0]?.paused).toBe(false);
  await scheduler.stop();
  broker.away = false;
  await clock.advance(60_000);
  expect(await published()).toBe(0);
  await scheduler.start();
  await clock.advance(10_000);
  expect(await published()).toBe(1);
});

it('a stop during a start leaves nothing running, and the next start works', async () => {
  const { scheduler, clock, ping, published } = moody();
  scheduler.addJob({ id: 'p', func: ping.send, trigger: 'interval', seconds: 10 });
  const starting = scheduler.start();
  await scheduler.stop();
  await starting;
  await clock.advance(60_000);
  expect(await published()).toBe(0);
  await Promise.all([scheduler.start(), scheduler.stop(), scheduler.start(), scheduler.start()]);
  await clock.advance(10_000);
  expect(await published()).toBe(1);
});

it('a wrong broker setting rejects the start: nothing runs, and start() may be repeated', async () => {
  const { tm, scheduler } = bench();
  const ping = tm.task({ name: 'ping', queueName: 'q' }, async () => undefined);
  scheduler.addJob({ id: 'p', func: ping.send, trigger: 'interval', seconds: 10 });
  const clock = new ManualClock();
  const broker = new MemoryBroker({ clock });
  let isFaulty = true;
  registerBroker('faulty', () => {
    if (isFaulty) throw new ConfigError('not like this', { code: 'BROKER_URL_INVALID' });
    return broker;
  });
  tm.configure({ brokerUrl: 'faulty:', clock, logLevel: 'silent' });
  await expect(scheduler.start()).rejects.toThrow(ConfigError);
  isFaulty = false;
  await scheduler.start();
  await clock.advance(10_000);
  expect((await broker.inspector.counts('q')).published).toBe(1);
  await scheduler.stop();
  await tm.close();
});
