import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { firstMessages, type WorkerReport } from '@brokkr/core/adapter';
import pino from 'pino';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { RedisServer } from '../../../test/support/redis-server.ts';
import { COMMANDS } from '../src/connection/rights.ts';
import { RedisBroker } from '../src/index.ts';

const server = await RedisServer.start();
const admin = server.client();
afterAll(async () => {
  admin.disconnect();
  await server.stop();
});

let broker: RedisBroker | undefined;
let lines: { code?: string; msg: string }[] = [];
afterEach(async () => {
  await broker?.close();
  lines = [];
  await admin.flushall();
});

/** The necessary rights: for commands outside of scripts, and for those in scripts. SCAN is for repair. */
const RIGHTS = [
  ...['~brokkr:*', '&brokkr:*', '+eval', '+evalsha', '+blpop', '+subscribe', '+unsubscribe', '+info', '+scan'],
  ...COMMANDS.map((name) => `+${name.toLowerCase()}`),
];

async function openAs(user: string, rights: readonly string[]): Promise<RedisBroker> {
  await admin.call('ACL', 'SETUSER', user, 'reset', 'on', '>pw', ...rights);
  const write = (line: string) => lines.push(JSON.parse(line));
  const url = `redis://${user}:pw@127.0.0.1:${server.port}`;
  broker = new RedisBroker({ url, sendTimeoutMs: 2_000, logger: pino({ level: 'warn' }, { write }) });
  return broker;
}

function message(id: string): { id: string; queue: string; body: Buffer; headers: Record<string, string> } {
  return { id, queue: 'q', body: Buffer.from('[]'), headers: {} };
}

const at = () => ({ signal: AbortSignal.timeout(5_000), wait: true });

/** Makes every call that a sender, a worker and the command line make. */
async function useAll(used: RedisBroker): Promise<void> {
  const subscription = await used.subscribe('q', {});
  const waiting = subscription.receive(1, at());
  await expect.poll(() => used.inspector.queues()).toBeDefined();
  await used.publish([message('a')]);
  const [first] = await waiting;
  if (first === undefined) throw new Error('no delivery');
  await subscription.extend([first]);
  await subscription.settle([
    { kind: 'retry', delivery: first, replacement: { ...message('a'), notBefore: Date.now() + 20 } },
  ]);
  const [again] = await subscription.receive(1, at());
  if (again === undefined) throw new Error('no second delivery');
  await subscription.settle([{ kind: 'dead-letter', delivery: again, reason: 'r', replacement: message('a') }]);
  await used.publish([
    { ...message('b'), idempotencyKey: 'k' },
    { ...message('c'), notBefore: Date.now() + 60_000 },
  ]);
  const [second] = await subscription.receive(1, at());
  if (second === undefined) throw new Error('no third delivery');
  await subscription.settle([{ kind: 'ack', delivery: second }]);
  await used.results.store('a', Buffer.from('1'), 10_000);
  expect(String(await used.results.load('a', at().signal))).toBe('1');
  await used.states.set('s', 'v');
  expect(await used.states.get('s')).toBe('v');
  expect(await used.inspector.counts('q')).toMatchObject({ dead: 1, delayed: 1, acknowledged: 1 });
  expect(await firstMessages(used.inspector, 'q', 'dead', 10)).toHaveLength(1);
  expect(await used.inspector.redrive('q', ['a'])).toBe(1);
  expect(await used.messages.cancel('q', ['a', 'c'])).toHaveLength(2);
  expect(await used.inspector.purge('q')).toBe(0);
  await used.publish([{ ...message('d'), notBefore: Date.now() + 60_000 }]);
  expect(await used.messages.promote('q', ['d'])).toEqual(['d']);
  expect(await used.messages.find('q', ['d'])).toHaveLength(1);
  const newest = { limit: 1, from: 'newest' } as const;
  const { next } = await used.inspector.page('q', 'ready', newest);
  expect(await used.inspector.page('q', 'ready', { ...newest, after: next })).toEqual({ items: [] });
  await used.workers.report({ id: 'w' } as WorkerReport, 1_000);
  expect(await used.workers.reports()).toEqual([]);
  await used.workers.retire('w');
  await used.workers.release('nobody');
  const demands = [
    { limit: 'slots', key: '', rule: { kind: 'concurrency', slots: 1 } },
    { limit: 'rate', key: '', rule: { kind: 'rate', intervalMs: 1_000, burst: 1 } },
  ] as const;
  const promoting = { leaseMs: 1_000, promotes: true };
  const asking = ['1', '2'].map((id) => ({ token: id, queue: 'q', id, demands }));
  const { refusals } = await used.limits.acquire(asking, promoting);
  expect(refusals.map((refusal) => refusal?.limit)).toEqual([undefined, 'slots']);
  const permit = { limit: 'slots', key: '', token: '1' };
  await used.limits.renew([permit], 1_000);
  await used.limits.release([{ ...permit, slots: 1, ranMs: 1 }], promoting);
  await used.limits.hold('rate', '', 10);
  await expect.poll(() => used.limits.usage()).toHaveLength(2);
  await used.limits.reschedule('rate');
  const stop = await used.signals.listen(() => undefined);
  await used.signals.send({ topic: 'pause', body: '' });
  await stop();
  await used.diagnostics.diagnose();
  await used.diagnostics.repair?.();
}

it('the list of commands is the one that the scripts run', () => {
  const folder = join(import.meta.dirname, '../src/scripts');
  const run = readdirSync(folder)
    .filter((name) => name !== 'try-commands.ts')
    .flatMap((name) => [...readFileSync(join(folder, name), 'utf8').matchAll(/redis\.p?call\('([A-Z]+)'/g)])
    .map(([, name]) => name as string);
  const alone = ['PUBLISH', 'SADD', 'SSCAN', 'ZREMRANGEBYRANK'];
  expect([...COMMANDS].sort()).toEqual([...new Set([...run, ...alone])].sort());
});

it('a user with exactly these rights can do everything, and nothing is reported', async () => {
  await useAll(await openAs('exact', RIGHTS));
  expect(lines).toEqual([]);
});

describe('a user who lacks a right', () => {
  it.each([
    ['INFO', ['-info'], 'may not run INFO'],
    ['BLPOP', ['-blpop'], 'may not run BLPOP'],
    ['the channels', ['resetchannels'], 'may not run PUBLISH'],
    ['LPOS', ['-lpos'], 'may not run LPOS'],
  ])('to %s can work, and the missing right is reported once', async (_, without, named) => {
    const used = await openAs('lacking', [...RIGHTS, ...without]);
    const subscription = await used.subscribe('q', {});
    for (let round = 0; round < 3; round++) {
      const waiting = subscription.receive(1, at());
      // An idle consumer, for longer than it takes to find out that it may not wait for its doorbell.
      await new Promise((resolve) => setTimeout(resolve, 100));
      const sentAt = performance.now();
      await used.publish([message(`m${round}`)]);
      const deliveries = await waiting;
      expect(performance.now() - sentAt).toBeLessThan(2_000);
      await subscription.settle(deliveries.map((delivery) => ({ kind: 'ack', delivery })));
    }
    const result = used.results.load('m0', at().signal);
    await used.results.store('m0', Buffer.from('1'), 10_000);
    expect(String(await result)).toBe('1');
    expect(lines.map(({ code, msg }) => [code, msg.includes(named)])).toEqual([['RIGHT_MISSING', true]]);
    expect(JSON.stringify(lines)).not.toContain('pw');
  });

  it.each(['zadd', 'hset', 'incrby', 'set', 'hdel', 'zrem', 'lpop', 'rpush'])(
    'to %s cannot receive: the script is refused before it changes anything',
    async (command) => {
      const used = await openAs('lacking', [...RIGHTS, `-${command}`]);
      const sender = new RedisBroker({ url: `redis://127.0.0.1:${server.port}` });
      await sender.publish(['a', 'b', 'c'].map(message));
      const subscription = await used.subscribe('q', {});
      await expect(subscription.receive(3, at())).rejects.toMatchObject({
        code: 'BROKER_REFUSED',
        message: expect.stringContaining(command.toUpperCase()),
      });
      expect(await sender.inspector.counts('q')).toMatchObject({ ready: 3, running: 0 });
      await sender.close();
    },
  );

  it('can receive once the right is granted', async () => {
    const used = await openAs('lacking', [...RIGHTS, '-zadd']);
    const subscription = await used.subscribe('q', {});
    await expect(subscription.receive(1, at())).rejects.toThrow('ZADD');
    await admin.call('ACL', 'SETUSER', 'lacking', '+zadd');
    await used.publish([message('a')]);
    await expect.poll(() => subscription.receive(1, at()).catch(() => []), { timeout: 10_000 }).toHaveLength(1);
  }, 20_000);

  it('is reported by doctor', async () => {
    const used = await openAs('lacking', [...RIGHTS, '-zadd', '-info']);
    const found = (await used.diagnostics.diagnose()).map(({ severity, code }) => [severity, code]);
    expect(found).toEqual([
      ['warning', 'RIGHT_MISSING'],
      ['warning', 'RIGHT_MISSING'],
    ]);
  });
});
