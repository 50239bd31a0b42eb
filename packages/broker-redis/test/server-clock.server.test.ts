import { firstMessages } from '@brokkr/core/adapter';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RedisServer } from '../../../test/support/redis-server.ts';
import { RedisBroker } from '../src/index.ts';

const HOUR_MS = 3_600_000;
const server = await RedisServer.start();
const redis = server.client();
const systemNow = Date.now;
const opened: RedisBroker[] = [];
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
beforeEach(() => redis.flushall());
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(opened.splice(0).map((broker) => broker.close()));
});

/**
 * A broker on a host whose clock is `aheadMs` ahead of the server's. Finish its calls before you create another one.
 */
function hostAhead(aheadMs: number): RedisBroker {
  vi.spyOn(Date, 'now').mockImplementation(() => systemNow() + aheadMs);
  const broker = new RedisBroker({ url: server.url });
  opened.push(broker);
  return broker;
}

async function send(from: RedisBroker, expiresInMs: number): Promise<void> {
  const expiresAt = Date.now() + expiresInMs;
  await from.publish([{ id: 'a', queue: 'q', body: Buffer.from('[]'), headers: {}, expiresAt }]);
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
    const at = () => ({ signal: AbortSignal.timeout(5_000), wait: true });
    const [delivery] = await subscription.receive(1, at());
    if (delivery === undefined) throw new Error('no delivery');
    expect(Math.abs((delivery.envelope.expiresAt ?? 0) - Date.now() - 60_000)).toBeLessThan(2_500);
    // It is stored again with the same meaning.
    await subscription.settle([{ kind: 'retry', delivery, replacement: delivery.envelope }]);
    const [again] = await subscription.receive(1, at());
    expect(Math.abs((again?.envelope.expiresAt ?? 0) - Date.now() - 60_000)).toBeLessThan(2_500);
  });
});

it('a message that is shown expires by the clock of the host that shows it', async () => {
  await send(hostAhead(0), 60_000);
  const [envelope] = await firstMessages(hostAhead(HOUR_MS).inspector, 'q', 'ready', 1);
  expect(Math.abs((envelope?.expiresAt ?? 0) - Date.now() - 60_000)).toBeLessThan(2_500);
});

it('a clock that is set while the broker is open takes effect', async () => {
  const broker = hostAhead(0);
  await broker.inspector.queues();
  vi.spyOn(Date, 'now').mockImplementation(() => systemNow() + HOUR_MS);
  await send(broker, 60_000);
  const [envelope] = await firstMessages(hostAhead(0).inspector, 'q', 'ready', 1);
  expect(Math.abs((envelope?.expiresAt ?? 0) - Date.now() - 60_000)).toBeLessThan(2_500);
});
