import { type Delivery, type Envelope, ServerClock } from '@brokkr/core/adapter';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { RedisServer } from '../../../test/support/redis-server.ts';
import type { Connection } from '../src/connection/connection.ts';
import { ClaimChannel } from '../src/consuming/claim-channel.ts';
import { RedisBroker } from '../src/index.ts';

const LEASE_MS = 400;
const server = await RedisServer.start();
const redis = server.client();
const broker = new RedisBroker({ url: server.url });
afterAll(async () => {
  await broker.close();
  redis.disconnect();
  await server.stop();
});
beforeEach(async () => {
  await redis.flushall();
});

const at = { signal: new AbortController().signal, wait: true };
const ids = (deliveries: readonly Delivery[]) => deliveries.map(({ envelope }) => envelope.id).join('');

function envelopes(names: string): Envelope[] {
  return [...names].map((id) => ({ id, queue: 'q', body: Buffer.from('[]'), headers: {} }));
}

describe('a claim', () => {
  it('delivers a suspect alone, so that its crash is not charged to another message', async () => {
    await broker.publish(envelopes('abXcYZd'));
    for (const id of 'XYZ') await redis.hset('brokkr:{q}:crashes', id, '2');
    await redis.hset('brokkr:{q}:crashes', 'c', '1');
    const subscription = await broker.subscribe('q', {});
    const claims: string[] = [];
    for (let claim = 0; claim < 6; claim++) claims.push(ids(await subscription.receive(7, at)));
    expect(claims).toEqual(['ab', 'X', 'c', 'Y', 'Z', 'd']);
  });

  it('whose answer waited for half a lease behind a blocking handler is repeated', async () => {
    const subscription = await broker.subscribe('q', { leaseMs: LEASE_MS });
    await broker.publish(envelopes('a'));
    const receiving = subscription.receive(1, at);
    // The claim is sent in this turn, and its answer is not read.
    await new Promise(setImmediate);
    const until = performance.now() + 0.8 * LEASE_MS;
    while (performance.now() < until);
    const deliveries = await receiving;
    expect(deliveries).toMatchObject([{ crashes: 0, fence: 2 }]);
    expect(await subscription.settle(deliveries.map((delivery) => ({ kind: 'ack', delivery })))).toEqual([]);
  });
});

describe('claims ahead whose answers were lost', () => {
  it('are repeated in the order in which they were made, whichever failed first', async () => {
    const asked: string[] = [];
    const failures: ((error: Error) => void)[] = [];
    const connection = {
      breaks: 0,
      run: (_script: unknown, _key: string, args: readonly string[]) => {
        asked.push(args[4] as string);
        return new Promise((_, reject) => failures.push(reject));
      },
    } as unknown as Connection;
    const exchange = new ClaimChannel({
      queue: 'q',
      key: 'k',
      connection,
      serverClock: new ServerClock(async () => Date.now()),
      leaseMs: 1_000,
      workerId: 'w',
    });
    const [first, second] = [exchange.claimAhead(1, at.signal), exchange.claimAhead(1, at.signal)];
    failures[1]?.(new Error('lost'));
    await expect(second).rejects.toThrow('lost');
    failures[0]?.(new Error('lost'));
    await expect(first).rejects.toThrow('lost');
    for (const again of [exchange.claimAhead(1, at.signal), exchange.claimAhead(1, at.signal)])
      again.catch(() => undefined);
    expect(asked.slice(2)).toEqual(asked.slice(0, 2));
  });
});
