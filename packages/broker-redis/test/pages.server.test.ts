import { deadLetterEnvelope, type Envelope, firstMessages, type Page } from '@brokkr/core/adapter';
import { afterAll, describe, expect, it } from 'vitest';
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
  'pages of ready': {
    prepare: send,
    run: async () => (await firstMessages(inspector, 'q', 'ready', COUNT + 1)).length,
    gives: COUNT,
  },
  'pages of delayed': {
    prepare: () => send({ notBefore: Date.now() + 60_000 }),
    run: async () => (await firstMessages(inspector, 'q', 'delayed', COUNT - 100)).length,
    gives: COUNT - 100,
  },
  'pages of dead': {
    prepare: bury,
    run: async () => (await firstMessages(inspector, 'q', 'dead', Number.MAX_SAFE_INTEGER)).length,
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

describe('pages while the queue changes', () => {
  const idsOf = ({ items }: Page) => items.map(({ envelope }) => envelope.id);
  const numbers = (from: number, to: number) =>
    Array.from({ length: Math.abs(to - from) }, (_, index) => `m-${from < to ? from + index : from - index}`);

  it('ready messages follow the last one, after others were claimed, cancelled and sent', async () => {
    await redis.flushall();
    await send();
    const first = await inspector.page('q', 'ready', { limit: 400 });
    expect(idsOf(first)).toEqual(numbers(0, 400));
    const subscription = await broker.subscribe('q', {});
    expect(await subscription.receive(100, { signal: new AbortController().signal, wait: false })).toHaveLength(100);
    await broker.messages.cancel('q', numbers(100, 120));
    const second = await inspector.page('q', 'ready', { limit: 400, after: first.next });
    expect(idsOf(second)).toEqual(numbers(400, 800));
  });

  it('the newest first: messages that were sent since do not move the place', async () => {
    await redis.flushall();
    await send();
    const newest = { limit: 300, from: 'newest' } as const;
    const first = await inspector.page('q', 'ready', newest);
    expect(idsOf(first)).toEqual(numbers(COUNT - 1, COUNT - 301));
    const more = { queue: 'q', body: Buffer.from('[]'), headers: {} };
    await broker.publish(Array.from({ length: 150 }, (_, index) => ({ id: `later-${index}`, ...more })));
    const second = await inspector.page('q', 'ready', { ...newest, after: first.next });
    expect(idsOf(second)).toEqual(numbers(COUNT - 301, COUNT - 601));
  });

  it.each(['oldest', 'newest'] as const)('delayed and dead, %s first, each once and with equal times', async (from) => {
    await redis.flushall();
    await send({ notBefore: Date.now() + 3_600_000 });
    for (let index = 0; index < COUNT; index++) {
      await redis.zadd('brokkr:{q}:delayed', 9e12 + Math.floor(index / 300), `m-${index}`);
    }
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await inspector.page('q', 'delayed', { limit: 70, from, after });
      seen.push(...idsOf(page));
      after = page.next;
    } while (after !== undefined);
    expect(new Set(seen).size).toBe(COUNT);
    expect(seen).toHaveLength(COUNT);
    expect(seen).toEqual(
      (await redis.zrange('brokkr:{q}:delayed', '0', '-1')).map((_, index, all) =>
        from === 'oldest' ? (all[index] as string) : (all[COUNT - 1 - index] as string),
      ),
    );
  });

  it('a cursor whose dead letter is gone continues at its place', async () => {
    await redis.flushall();
    await bury();
    const first = await inspector.page('q', 'dead', { limit: 100 });
    await inspector.discard('q', numbers(50, 100));
    expect(idsOf(await inspector.page('q', 'dead', { limit: 100, after: first.next }))).toEqual(numbers(100, 200));
  });

  it('a page of large messages ends early, and the next one continues', async () => {
    await redis.flushall();
    const body = Buffer.alloc(400_000, 'x');
    await broker.publish(numbers(0, 30).map((id) => ({ id, queue: 'q', body, headers: {} })));
    const first = await inspector.page('q', 'ready', { limit: 100 });
    expect(first.items.length).toBeLessThan(20);
    expect(await firstMessages(inspector, 'q', 'ready', 100)).toHaveLength(30);
  });

  it.each(['', 'junk', '-1:a', 'inf:a', '1', ':', '1:', '1e400:x', '99999999999999999999:a'])(
    'the cursor %j of ready messages is refused',
    async (after) => {
      await expect(inspector.page('q', 'ready', { limit: 1, after })).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
    },
  );
});
