import assert from 'node:assert/strict';
import { REASON_HEADER } from '../../broker/headers.ts';
import { PayloadTooLargeError, SerializationError } from '../../errors/errors.ts';
import { firstMessages } from '../../broker/page-messages.ts';
import { readHistory } from '../../message/attempt-history.ts';
import type { Group } from './group.ts';
import { worker } from './worker-bench.ts';

const MESSAGES: readonly (readonly [
  what: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>>,
  reason: RegExp,
])[] = [
  ['no bytes', new Uint8Array(), { 'brokkr-task': 'subject' }, /^malformed/],
  ['no JSON', Buffer.from('{"a":'), { 'brokkr-task': 'subject' }, /^malformed/],
  ['no list', Buffer.from('{"a":1}'), { 'brokkr-task': 'subject' }, /^malformed/],
  ['a bare null', Buffer.from('null'), { 'brokkr-task': 'subject' }, /^malformed/],
  ['invalid UTF-8', Uint8Array.of(0x5b, 0x22, 0xff, 0x22, 0x5d), { 'brokkr-task': 'subject' }, /^malformed/],
  ['no task', Buffer.from('[]'), {}, /^malformed/],
  ['an invalid task name', Buffer.from('[]'), { 'brokkr-task': '../../etc/passwd' }, /^malformed/],
  ['another version', Buffer.from('[]'), { 'brokkr-task': 'subject', 'brokkr-v': '9' }, /^malformed/],
  [
    'an attempt that is not a number',
    Buffer.from('[]'),
    { 'brokkr-task': 'subject', 'brokkr-attempt': 'NaN' },
    /^malformed/,
  ],
  ['attempt 0', Buffer.from('[]'), { 'brokkr-task': 'subject', 'brokkr-attempt': '0' }, /^malformed/],
  [
    '100,000 levels',
    Buffer.from(`${'['.repeat(100_000)}${']'.repeat(100_000)}`),
    { 'brokkr-task': 'subject' },
    /^too_deep/,
  ],
  [
    'a hundred headers',
    Buffer.from('[]'),
    { 'brokkr-task': 'subject', ...Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`h${n}`, 'v'])) },
    /^too_many_headers/,
  ],
  ['2 MiB', Buffer.from(`["${'x'.repeat(2_097_152)}"]`), { 'brokkr-task': 'subject' }, /^too_large/],
];

const cycle: Record<string, unknown> = {};
cycle.self = cycle;
function nested(levels: number): unknown {
  return levels === 0 ? 1 : [nested(levels - 1)];
}

const ARGUMENTS: readonly (readonly [what: string, value: unknown, path: string])[] = [
  ['a BigInt', { a: [1, 2n] }, 'args[0].a[1]'],
  ['a function', { f: () => 1 }, 'args[0].f'],
  ['a symbol', [Symbol('s')], 'args[0][0]'],
  ['NaN', { n: Number.NaN }, 'args[0].n'],
  ['Infinity', Number.POSITIVE_INFINITY, 'args[0]'],
  ['a Map', new Map(), 'args[0]'],
  ['a Set', { 'a b': new Set() }, 'args[0]["a b"]'],
  ['a Date', new Date(), 'args[0]'],
  ['a Buffer', Buffer.from('x'), 'args[0]'],
  ['undefined in a list', [undefined], 'args[0][0]'],
  ['an instance of a class', new (class User {})(), 'args[0]'],
];

export const hostile: Group = {
  name: 'hostile payloads',
  cases(it) {
    it('dead-letters bytes that are not a message unchanged and once, and continues', async (bench) => {
      const inspector = bench.part('inspector');
      let runs = 0;
      const { task, until } = await worker(bench, () => void runs++);
      const foreign = MESSAGES.map(([, body, headers]) => bench.envelope({ body, headers }));
      for (const envelope of foreign) await bench.broker.publish([envelope]);
      await task.send();
      await until({ dead: MESSAGES.length, succeeded: 1 }, 5_000);
      assert.equal(runs, 1);
      const letters = new Map(
        (await firstMessages(inspector, bench.queue, 'dead', 100)).map((letter) => [letter.id, letter]),
      );
      for (const [index, [what, body, , reason]] of MESSAGES.entries()) {
        const letter = letters.get(foreign[index]?.id ?? '');
        assert.match(letter?.headers[REASON_HEADER] ?? '', reason, what);
        assert.equal(Buffer.compare(letter?.body ?? Buffer.alloc(1), body), 0, `${what}: the bytes were kept`);
      }
    }, 15_000);

    it('delays messages of an unknown task, whatever its name, and runs nothing', async (bench) => {
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      const inspector = bench.part('inspector');
      const { worker: subject, events } = await worker(bench, () => undefined);
      for (const name of ['nope', 'constructor', '__proto__', 'toString']) {
        await bench.broker.publish([bench.envelope({ headers: Object.fromEntries([['brokkr-task', name]]) })]);
      }
      await subject.start();
      await bench.until(
        async () => {
          const { ready, delayed } = await inspector.counts(bench.queue);
          return ready === 0 && (delayed === undefined || delayed === 4);
        },
        3_000,
        () => 'they were not delayed',
      );
      assert.deepEqual(events, []);
      if (!bench.isVirtual) return;
      await bench.pass(9 * 60_000);
      assert.deepEqual(events, []);
      await bench.pass(2 * 60_000);
      assert.deepEqual(events, ['dead', 'dead', 'dead', 'dead']);
      const letters = await firstMessages(inspector, bench.queue, 'dead', 10);
      assert(letters.every(({ headers }) => headers[REASON_HEADER]?.startsWith('unknown_task')));
    }, 15_000);

    it('settles a failing message whose history has another format and nests deeply', async (bench) => {
      const inspector = bench.part('inspector');
      const { until } = await worker(bench, () => {
        throw new Error('failed');
      });
      const deep = `${'['.repeat(7_000)}${']'.repeat(7_000)}`;
      const history = `[{"attempt":1,"at":1,"worker":"w","error":{"name":"a","message":"b"},"x":${deep}}]`;
      const headers = { 'brokkr-task': 'subject', 'brokkr-attempt': '3', 'brokkr-history': history };
      await bench.broker.publish([bench.envelope({ headers })]);
      await until({ dead: 1 });
      const [letter] = await firstMessages(inspector, bench.queue, 'dead', 1);
      assert.deepEqual(
        readHistory(letter?.headers['brokkr-history']).map(({ attempt, error }) => `${attempt} ${error.message}`),
        ['1 b', '3 failed'],
      );
    });

    it('refuses arguments that JSON cannot carry, with their path', async (bench) => {
      const { task } = await worker(bench, () => undefined);
      for (const [what, value, path] of ARGUMENTS) {
        await assert.rejects(
          task.send(value),
          (error) => error instanceof SerializationError && error.path === path,
          what,
        );
      }
      await assert.rejects(task.send(cycle), SerializationError);
      await assert.rejects(task.send(nested(5_000)), SerializationError);
      await assert.rejects(task.send('x'.repeat(2_000_000)), PayloadTooLargeError);
      await bench.nothing(await bench.subscribe());
    });

    it('carries keys that name prototypes as data', async (bench) => {
      let seen: unknown;
      const { task, until } = await worker(bench, (value: unknown) => {
        seen = value;
      });
      const payload: unknown = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}');
      await task.send(payload);
      await until({ succeeded: 1 });
      assert.equal(JSON.stringify(seen), JSON.stringify(payload));
      assert.equal(({} as { polluted?: number }).polluted, undefined);
    });

    it('retries any thrown value as a failure, and records it', async (bench) => {
      const inspector = bench.part('inspector');
      const revoked = Proxy.revocable({}, {});
      revoked.revoke();
      const circular = new Error('circular');
      circular.cause = circular;
      const thrown: readonly unknown[] = [
        undefined,
        null,
        Symbol('s'),
        'text',
        0,
        10n,
        revoked.proxy,
        Object.create(null),
        Object.defineProperty(new Error(), 'message', {
          get: () => {
            throw new Error('hostile');
          },
        }),
        circular,
        Object.assign(new Error('long'), { stack: 'x'.repeat(5_000_000) }),
        () => undefined,
      ];
      const { task, until } = await worker(
        bench,
        (index: number) => {
          throw thrown[index];
        },
        { task: { maxRetries: 0 } },
      );
      await task.sendMany(thrown.map((_, index) => [index]));
      await until({ dead: thrown.length }, 5_000);
      assert.equal((await firstMessages(inspector, bench.queue, 'dead', 100)).length, thrown.length);
    }, 15_000);

    it('treats any return value as a success', async (bench) => {
      const throwing = {
        toJSON: () => {
          throw new Error('hostile');
        },
      };
      const returned: readonly unknown[] = [
        undefined,
        null,
        1n,
        cycle,
        () => 1,
        Symbol('s'),
        throwing,
        new Date(),
        new Map([[1, 2]]),
        Number.NaN,
      ];
      let runs = 0;
      const { task, until, events } = await worker(bench, (index: number) => {
        runs++;
        return returned[index];
      });
      await task.sendMany(returned.map((_, index) => [index]));
      await until({ succeeded: returned.length });
      assert.equal(runs, returned.length);
      assert(!events.includes('retrying'));
    });
  },
};
