import { deadLetterEnvelope, type Envelope } from '@brokkr/core/adapter';
import { afterAll, expect, it } from 'vitest';
import { RedisServer } from '../../../test/support/redis-server.ts';
import { RedisBroker } from '../src/index.ts';

const COUNT = 1_200;
const MOST = 500;

const server = await RedisServer.start();
const redis = server.client();
const broker = new RedisBroker({ url: server.url });
const { inspector } = broker;
afterAll(async () => {
  await broker.close();
  redis.disconnect();
  await server.stop();
});

/** The largest number of messages that one command of the server read or changed while `work` ran. */
async function largestCommand(work: () => Promise<unknown>): Promise<number> {
  const monitor = await redis.monitor();
  let largest = 0;
  monitor.on('monitor', (_time: string, [name = '', ...args]: string[]) => {
    const command = name.toLowerCase();
    if (command === 'lrange' || command === 'zrange') {
      const [from, to] = [Number(args[1]), Number(args[2])];
      largest = Math.max(largest, from >= 0 && to < 0 ? Number.POSITIVE_INFINITY : to - from + 1);
    } else if (/^(hgetall|smembers|hkeys|hvals)$/.test(command)) largest = Number.POSITIVE_INFINITY;
    else if (/^(hmget|zrem|hdel|zmscore)$/.test(command)) largest = Math.max(largest, args.length - 1);
  });
  try {
    await work();
    // By now, everything that the monitor saw before this command has arrived.
    const seen = new Promise<void>((resolve) => {
      monitor.on('monitor', (_time: string, [name]: string[]) => name === 'ECHO' && resolve());
    });
    await redis.call('ECHO', 'end');
    await seen;
  } finally {
    monitor.disconnect();
  }
  return largest;
}

async function send(given: Partial<Envelope> = {}): Promise<void> {
  const envelopes = Array.from({ length: COUNT }, (_, index) => ({
    id: `m-${index}`,
    queue: 'q',
    body: Buffer.from('[]'),
    headers: {},
    ...given,
  }));
  await broker.publish(envelopes);
}

async function bury(): Promise<void> {
  await send();
  const subscription = await broker.subscribe('q', {});
  for (let buried = 0; buried < COUNT; ) {
    const deliveries = await subscription.receive(MOST, { signal: new AbortController().signal, wait: false });
    buried += deliveries.length;
    await subscription.settle(
      deliveries.map((delivery) => ({
        kind: 'dead-letter',
        delivery,
        reason: 'x',
        replacement: deadLetterEnvelope(delivery.envelope, 'x'),
      })),
    );
  }
  await subscription.close();
}

const WORK: Readonly<Record<string, { prepare: () => Promise<void>; run: () => Promise<unknown>; gives: unknown }>> = {
  'peek ready': {
    prepare: send,
    run: async () => (await inspector.peek('q', 'ready', COUNT + 1)).length,
    gives: COUNT,
  },
  'peek delayed': {
    prepare: () => send({ notBefore: Date.now() + 60_000 }),
    run: async () => (await inspector.peek('q', 'delayed', COUNT - 100)).length,
    gives: COUNT - 100,
  },
  'peek dead': {
    prepare: bury,
    run: async () => (await inspector.peek('q', 'dead', Number.MAX_SAFE_INTEGER)).length,
    gives: COUNT,
  },
  take: {
    prepare: send,
    run: () => inspector.take('q', COUNT - 100, async (part) => expect(part.length).toBeLessThanOrEqual(MOST)),
    gives: COUNT - 100,
  },
  'redrive all': { prepare: bury, run: () => inspector.redrive('q', 'all'), gives: COUNT },
  'discard all': { prepare: bury, run: () => inspector.discard('q', 'all'), gives: COUNT },
  purge: { prepare: send, run: () => inspector.purge('q'), gives: COUNT },
  'release a worker': {
    prepare: async () => {
      await send();
      const subscription = await broker.subscribe('q', { workerId: 'gone', leaseMs: 600_000 });
      for (let held = 0; held < COUNT; ) {
        held += (await subscription.receive(MOST, { signal: new AbortController().signal, wait: false })).length;
      }
    },
    run: () => broker.workers.release('gone'),
    gives: COUNT,
  },
  repair: {
    prepare: async () => {
      await send();
      await redis.del('brokkr:{q}:ready');
    },
    run: async () => (await broker.diagnostics.repair?.())?.[0]?.count,
    gives: COUNT,
  },
};

it.each(Object.entries(WORK))(
  `%s of ${COUNT} handles at most ${MOST} a command`,
  async (_name, { prepare, run, gives }) => {
    await redis.flushall();
    await prepare();
    let result: unknown;
    const largest = await largestCommand(async () => {
      result = await run();
    });
    expect(result).toBe(gives);
    expect(largest).toBeGreaterThan(0);
    expect(largest).toBeLessThanOrEqual(MOST);
  },
);
