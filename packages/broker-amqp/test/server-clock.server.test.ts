import { firstMessages } from '@brokkr/core/adapter';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { AmqpBroker } from '../src/index.ts';
import { RabbitBench } from './rabbit-bench.ts';

const HOUR_MS = 3_600_000;
const bench = new RabbitBench();
const systemNow = Date.now;
afterEach(() => vi.restoreAllMocks());

/** A broker on a host whose clock is `aheadMs` ahead of the server's. Finish its calls before you create another one. */
function hostAhead(aheadMs: number, logger?: { warn: (...line: unknown[]) => void }): AmqpBroker {
  vi.spyOn(Date, 'now').mockImplementation(() => systemNow() + aheadMs);
  return bench.open(undefined, logger === undefined ? {} : { logger: logger as never });
}

async function send(from: AmqpBroker, expiresInMs: number): Promise<void> {
  const expiresAt = Date.now() + expiresInMs;
  await from.publish([{ id: 'a', queue: 'q', body: Buffer.from('[]'), headers: {}, expiresAt }]);
}

function expectMinuteLeft(expiresAt: number | undefined): void {
  expect(Math.abs((expiresAt ?? 0) - Date.now() - 60_000)).toBeLessThan(10_000);
}

describe.each([
  ['right', 0],
  ['an hour ahead', HOUR_MS],
  ['an hour behind', -HOUR_MS],
])('a sender whose clock is %s', (_, senderAheadMs) => {
  it.each([
    ['right', 0],
    ['an hour ahead', HOUR_MS],
    ['an hour behind', -HOUR_MS],
  ])('and a worker whose clock is %s agree when a message expires', async (__, workerAheadMs) => {
    await send(hostAhead(senderAheadMs), 60_000);
    const subscription = await hostAhead(workerAheadMs).subscribe('q', {});
    const at = () => ({ signal: AbortSignal.timeout(30_000), wait: true });
    const [delivery] = await subscription.receive(1, at());
    if (delivery === undefined) throw new Error('no delivery');
    expectMinuteLeft(delivery.envelope.expiresAt);
    // It is stored again with the same meaning, by a retry and by a return.
    await subscription.settle([{ kind: 'retry', delivery, replacement: delivery.envelope }]);
    const [again] = await subscription.receive(1, at());
    if (again === undefined) throw new Error('no second delivery');
    expectMinuteLeft(again.envelope.expiresAt);
    await subscription.settle([{ kind: 'release', delivery: again }]);
    const [third] = await subscription.receive(1, at());
    expectMinuteLeft(third?.envelope.expiresAt);
  });
});

it('a message that is shown expires by the clock of the host that shows it', async () => {
  await send(hostAhead(0), 60_000);
  const [envelope] = await firstMessages(hostAhead(HOUR_MS).inspector, 'q', 'ready', 1);
  expectMinuteLeft(envelope?.expiresAt);
});

it('a clock that is set while the broker is open takes effect', async () => {
  const broker = hostAhead(0);
  await send(broker, 60_000);
  vi.spyOn(Date, 'now').mockImplementation(() => systemNow() + HOUR_MS);
  const subscription = await broker.subscribe('q', {});
  const [delivery] = await subscription.receive(1, { signal: AbortSignal.timeout(30_000), wait: true });
  expectMinuteLeft(delivery?.envelope.expiresAt);
});

it('a large difference is logged once, and found by doctor', async () => {
  const warn = vi.fn();
  const broker = hostAhead(HOUR_MS, { warn });
  await broker.subscribe('q', {});
  await broker.subscribe('r', {});
  const found = (await broker.diagnostics.diagnose()).filter(({ code }) => code === 'SERVER_CLOCK_DIFFERS');
  expect(found).toMatchObject([{ severity: 'warning', message: expect.stringMatching(/differ by 3[56]\d{5} ms/) }]);
  const logged = warn.mock.calls.filter(([fields]) => (fields as { code?: string }).code === 'SERVER_CLOCK_DIFFERS');
  expect(logged).toHaveLength(1);
});

it('a clock that is right causes no finding', async () => {
  expect(await hostAhead(0).diagnostics.diagnose()).toEqual([]);
});

it('a user who may declare no queue for it sends and receives all the same, by the clock of the host', async () => {
  await send(hostAhead(0), 60_000);
  const { namespace, server } = bench;
  await server.control('add_user', namespace, 'secret');
  await server.control('set_permissions', namespace, `^${namespace}[.]`, '.*', '.*');
  const url = new URL(server.url);
  url.username = namespace;
  url.password = 'secret';
  const warn = vi.fn();
  const broker = bench.open(url.href, { logger: { warn } as never });
  await send(broker, 60_000);
  const subscription = await broker.subscribe('q', {});
  const [delivery] = await subscription.receive(1, { signal: AbortSignal.timeout(30_000), wait: true });
  expectMinuteLeft(delivery?.envelope.expiresAt);
  const lines = warn.mock.calls.filter(([, line]) => String(line).includes('the clock of RabbitMQ cannot be read'));
  expect(lines).toHaveLength(1);
});
