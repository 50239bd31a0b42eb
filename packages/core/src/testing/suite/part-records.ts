import assert from 'node:assert/strict';
import type { RecordChange, RecordStore } from '../../broker/record-store.ts';
import { NotApplicable, type TestBench } from './bench.ts';
import type { Group } from './group.ts';

const TTL_MS = 60_000;

function fields(values: Readonly<Record<string, string>>): ReadonlyMap<string, Uint8Array> {
  return new Map(Object.entries(values).map(([name, value]) => [name, Buffer.from(value)]));
}

async function contents(store: RecordStore, key: string, names?: readonly string[]): Promise<Record<string, string>> {
  const found = await store.read(key, names);
  return Object.fromEntries([...found].map(([name, value]) => [name, Buffer.from(value).toString()]).sort());
}

async function changeOne(store: RecordStore, change: Omit<RecordChange, 'ttlMs'> & { readonly ttlMs?: number }) {
  const [answer] = await store.change([{ ttlMs: TTL_MS, ...change }]);
  return answer;
}

/** Two stores on one server, or the same twice if the broker keeps everything in one process. */
async function twoStores(bench: TestBench): Promise<readonly [RecordStore, RecordStore]> {
  const store = bench.part('records');
  return [store, bench.isShared ? bench.part('records', await bench.openAnother()) : store];
}

export const records: Group = {
  name: 'part records',
  cases(it) {
    it('lets one of fifty concurrent adds of a field win, and all of them read its value', async (bench) => {
      const stores = await twoStores(bench);
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          changeOne(stores[index % 2] as RecordStore, { key: 'r', add: fields({ owner: String(index) }) }),
        ),
      );
      const winner = answers.findIndex((answer) => answer?.added === 1);
      assert.equal(answers.filter((answer) => answer?.added === 1).length, 1);
      assert(answers.every((answer) => answer?.changed === true && answer.size === 1));
      for (const store of stores) assert.deepEqual(await contents(store, 'r'), { owner: String(winner) });
    });

    it('lets one of twenty concurrent compare-and-sets of a value win', async (bench) => {
      const stores = await twoStores(bench);
      await changeOne(stores[0], { key: 'r', set: fields({ turn: 'free' }) });
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          changeOne(stores[index % 2] as RecordStore, {
            key: 'r',
            expect: fields({ turn: 'free' }),
            set: fields({ turn: String(index) }),
          }),
        ),
      );
      const winner = answers.findIndex((answer) => answer?.changed);
      assert.equal(answers.filter((answer) => answer?.changed).length, 1);
      assert.deepEqual(await contents(stores[1], 'r'), { turn: String(winner) });
    });

    it('changes nothing if one expected field is absent, is there, or has another value', async (bench) => {
      const store = bench.part('records');
      await changeOne(store, { key: 'r', set: fields({ a: '1', empty: '' }) });
      const attempt = (expect: RecordChange['expect']) =>
        changeOne(store, { key: 'r', expect, add: fields({ b: '2' }), set: fields({ a: '9' }), remove: ['empty'] });
      const refused = { changed: false, added: 0, size: 2 };
      assert.deepEqual(await attempt(new Map([...fields({ a: '1' }), ['c', Buffer.of(1)]])), refused, 'c is absent');
      assert.deepEqual(await attempt(new Map([['a', undefined]])), refused, 'a is there');
      assert.deepEqual(await attempt(fields({ a: '11' })), refused, 'a is 1');
      assert.deepEqual(await attempt(fields({ a: '' })), refused, 'a is not empty');
      assert.deepEqual(await attempt(new Map([['empty', undefined]])), refused, 'an empty field is there');
      assert.deepEqual(await contents(store, 'r'), { a: '1', empty: '' });
      const expected = new Map<string, Uint8Array | undefined>([...fields({ a: '1', empty: '' }), ['b', undefined]]);
      assert.deepEqual(await attempt(expected), { changed: true, added: 1, size: 2 });
      assert.deepEqual(await contents(store, 'r'), { a: '9', b: '2' });
    });

    it('answers the repeat of a change whose answer was lost with the same size, and changes nothing more', async (bench) => {
      const store = bench.part('records');
      const add = { key: 'r', add: fields({ a: '1', b: '2' }) };
      assert.deepEqual(await changeOne(store, add), { changed: true, added: 2, size: 2 });
      assert.deepEqual(await changeOne(store, add), { changed: true, added: 0, size: 2 });
      const once = { key: 'r', expect: fields({ a: '1' }), set: fields({ a: '2' }) };
      assert.equal((await changeOne(store, once))?.changed, true);
      assert.deepEqual(await changeOne(store, once), { changed: false, added: 0, size: 2 });
      assert.deepEqual(await contents(store, 'r'), { a: '2', b: '2' });
    });

    it('keeps a field that is there if it is added, and replaces it if it is set', async (bench) => {
      const store = bench.part('records');
      await changeOne(store, { key: 'r', set: fields({ a: '1' }) });
      const answer = await changeOne(store, { key: 'r', add: fields({ a: '2', b: '2' }), set: fields({ c: '3' }) });
      assert.deepEqual(answer, { changed: true, added: 1, size: 3 });
      assert.deepEqual(await contents(store, 'r'), { a: '1', b: '2', c: '3' });
      assert.deepEqual(await contents(store, 'r', ['c', 'none', 'a']), { a: '1', c: '3' });
      assert.deepEqual(await contents(store, 'r', []), {});
    });

    it('ends a record after the time of its last change, which a read or a refused change does not move', async (bench) => {
      const store = bench.part('records');
      const lifeMs = 2_000;
      await changeOne(store, { key: 'r', set: fields({ a: '1' }), ttlMs: lifeMs });
      await changeOne(store, { key: 'kept', set: fields({ a: '1' }), ttlMs: lifeMs });
      await bench.pass(lifeMs / 4);
      await changeOne(store, { key: 'kept', ttlMs: TTL_MS });
      await changeOne(store, { key: 'r', expect: fields({ a: '2' }), set: fields({ a: '3' }) });
      assert.deepEqual(await contents(store, 'r'), { a: '1' });
      await bench.pass(lifeMs);
      assert.deepEqual(await contents(store, 'r'), {});
      assert.deepEqual(await contents(store, 'kept'), { a: '1' });
      assert.equal((await changeOne(store, { key: 'r', add: fields({ a: '4' }) }))?.added, 1, 'nothing is left');
    }, 20_000);

    it('removes fields, and the whole record with a life of 0', async (bench) => {
      const store = bench.part('records');
      await changeOne(store, { key: 'r', set: fields({ a: '1', b: '2', c: '3' }) });
      const answer = await changeOne(store, { key: 'r', remove: ['a', 'none'] });
      assert.deepEqual(answer, { changed: true, added: 0, size: 2 });
      const refused = await changeOne(store, { key: 'r', expect: fields({ b: '9' }), ttlMs: 0 });
      assert.deepEqual(refused, { changed: false, added: 0, size: 2 });
      assert.deepEqual(await changeOne(store, { key: 'r', ttlMs: 0 }), { changed: true, added: 0, size: 0 });
      assert.deepEqual(await contents(store, 'r'), {});
      assert.deepEqual(await changeOne(store, { key: 'none', ttlMs: 0 }), { changed: true, added: 0, size: 0 });
    });

    it('changes each of several records on its own, and those of one record in the order of the call', async (bench) => {
      const store = bench.part('records');
      await changeOne(store, { key: 'r', set: fields({ a: '1' }) });
      const answers = await store.change([
        { key: 'r', expect: fields({ a: '2' }), set: fields({ a: '9' }), ttlMs: TTL_MS },
        { key: 's', add: fields({ a: '1' }), ttlMs: TTL_MS },
        { key: 's', expect: fields({ a: '1' }), set: fields({ a: '2' }), ttlMs: TTL_MS },
      ]);
      assert.deepEqual(
        answers.map(({ changed }) => changed),
        [false, true, true],
      );
      assert.deepEqual([await contents(store, 'r'), await contents(store, 's')], [{ a: '1' }, { a: '2' }]);
      assert.deepEqual(await store.change([]), []);
    });

    it('keeps ten thousand fields of one record', async (bench) => {
      const store = bench.part('records');
      const all = new Map(Array.from({ length: 10_000 }, (_, index) => [`f${index}`, Buffer.from(`v${index}`)]));
      assert.deepEqual(await changeOne(store, { key: 'r', add: all }), { changed: true, added: 10_000, size: 10_000 });
      assert.deepEqual(await changeOne(store, { key: 'r', add: all }), { changed: true, added: 0, size: 10_000 });
      const found = await store.read('r');
      assert.equal(found.size, 10_000);
      assert.equal(Buffer.from(found.get('f9999') ?? []).toString(), 'v9999');
      assert.equal((await store.read('r', [...all.keys()])).size, 10_000);
      const removed = await changeOne(store, { key: 'r', expect: all, remove: [...all.keys()].slice(1) });
      assert.deepEqual(removed, { changed: true, added: 0, size: 1 });
    }, 20_000);

    it('takes any name and any bytes, and keeps copies of them', async (bench) => {
      const store = bench.part('records');
      const names = ['__proto__', 'constructor', 'ü/🔨 #*{}', "'); DROP", '0'];
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
      for (const key of names) {
        const given = Uint8Array.from(bytes);
        await changeOne(store, { key, set: new Map(names.map((name) => [name, given])) });
        given.fill(7);
        const found = await store.read(key);
        assert.deepEqual([...found.keys()].sort(), [...names].sort());
        assert.deepEqual(Uint8Array.from(found.get('__proto__') ?? []), bytes);
        found.get('constructor')?.fill(9);
        assert.deepEqual(Uint8Array.from((await store.read(key, ['constructor'])).get('constructor') ?? []), bytes);
        assert.equal(
          (await changeOne(store, { key, expect: new Map([['0', bytes]]), set: fields({ '0': '' }) }))?.changed,
          true,
        );
      }
      assert.deepEqual(await contents(store, 'toString'), {});
      assert.deepEqual(await contents(store, '0', ['valueOf']), {});
    });

    it('refuses an invalid change before any of its call takes effect', async (bench) => {
      const store = bench.part('records');
      const valid = { key: 'r', set: fields({ a: '1' }), ttlMs: TTL_MS };
      for (const wrong of [
        { key: '' },
        { key: 'k'.repeat(513) },
        { ttlMs: -1 },
        { ttlMs: Number.NaN },
        { remove: [''] },
      ]) {
        await assert.rejects(store.change([valid, { ...valid, ...wrong }]), { code: 'RECORD_INVALID' });
      }
      await assert.rejects(store.read(''), { code: 'RECORD_INVALID' });
      assert.deepEqual(await contents(store, 'r'), {});
    });

    it('keeps records over a restart of the server', async (bench) => {
      const restart = bench.options.crash ?? bench.options.restart;
      const store = bench.part('records');
      bench.needs(bench.broker.capabilities.persistent, 'the broker is not persistent');
      if (restart === undefined) throw new NotApplicable('the suite has no option to restart the server');
      await changeOne(store, { key: 'kept', set: fields({ a: '1' }), ttlMs: 3_600_000 });
      await restart();
      let seen: Record<string, string> = {};
      const read = async () => {
        seen = await contents(store, 'kept').catch(() => ({}));
        return Object.keys(seen).length > 0;
      };
      await bench.until(read, 15_000, () => 'the record was not read');
      assert.deepEqual(seen, { a: '1' });
    }, 90_000);
  },
};
