import { expect, it } from 'vitest';
import type { Broker } from '../../src/broker/broker.ts';
import { BrokerUnavailableError } from '../../src/errors/errors.ts';
import { BrokerProbe } from '../../src/metrics/broker-probe.ts';
import { TelemetrySinks } from '../../src/middleware/telemetry-sinks.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { BrokerCalls } from '../../src/worker/broker-calls.ts';
import type { Logger } from 'pino';

/** A probe of a broker whose answers the test gives. */
function setUp() {
  const clock = new ManualClock();
  const calls = new BrokerCalls(clock, new TelemetrySinks([], {} as Logger));
  const answers: ((error?: Error) => void)[] = [];
  const get = () =>
    new Promise<undefined>((resolve, reject) => {
      answers.push((error) => (error === undefined ? resolve(undefined) : reject(error)));
    });
  const broker = { states: { get } } as unknown as Broker;
  const probe = new BrokerProbe(calls, clock, async () => broker);
  /** Milliseconds until a question for the health was answered. */
  const askedMs = async () => {
    const beganAt = clock.now();
    let endedAt: number | undefined;
    void probe.ask('q').then(() => {
      endedAt = clock.now();
    });
    while (endedAt === undefined) await clock.advance(100);
    return endedAt - beganAt;
  };
  return { calls, answers, askedMs, clock, probe };
}

it('answers long before a supervisor gives up after a second, each time, while the broker is silent', async () => {
  const { calls, answers, askedMs } = setUp();
  expect([await askedMs(), await askedMs(), await askedMs()]).toEqual([500, 500, 500]);
  expect(calls.silentMs).toBe(1_500);
  // All of them wait for one question.
  expect(answers).toHaveLength(1);
  answers[0]?.(new BrokerUnavailableError('the server does not answer'));
  await askedMs();
  expect(calls.isUp).toBe(false);
});

it('shows a broker as down while its question has no answer for over two seconds, and as up once it answers', async () => {
  const { calls, answers, askedMs } = setUp();
  await askedMs();
  answers[0]?.();
  await Promise.resolve();
  await askedMs();
  expect(calls.isUp).toBe(true);
  const isUp: (boolean | undefined)[] = [];
  for (let scrape = 0; scrape < 20; scrape++) {
    await askedMs();
    isUp.push(calls.isUp);
  }
  expect([isUp[0], isUp.at(-1)]).toEqual([true, false]);
  answers.at(-1)?.();
  await askedMs();
  expect(calls.isUp).toBe(true);
});

it('shows a broker as down in the first scrape in which it does not answer', async () => {
  const { probe, answers, askedMs, clock } = setUp();
  await askedMs();
  expect(probe.isUp).toBe(false);
  answers[0]?.();
  await clock.advance(0);
  expect(probe.isUp).toBe(true);
  // An idle worker: its last answer is older than a second.
  for (let scrape = 0; scrape < 11; scrape++) await askedMs();
  expect(answers).toHaveLength(2);
  expect(probe.isUp).toBe(false);
});

it('shows a broker as up if its answer has come when the wait ends, after a block of the event loop', async () => {
  const { answers, clock, probe } = setUp();
  // The timer runs first in the turn of the event loop that reads the answer, too.
  clock.setTimeout = (end) => {
    setImmediate(() => {
      setImmediate(() => answers[0]?.());
      end();
    });
    return {};
  };
  await probe.ask('q');
  expect(probe.isUp).toBe(true);
});
