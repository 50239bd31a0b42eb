import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { NotApplicable } from './bench.ts';
import type { Group } from './group.ts';

export const states: Group = {
  name: 'part states',
  cases(it) {
    it('keeps state by name', async (bench) => {
      const store = bench.part('states');
      const key = randomUUID();
      assert.equal(await store.get(key), undefined);
      await store.set(key, 'a');
      await store.set(key, 'b');
      assert.equal(await store.get(key), 'b');
      await store.set(key, undefined);
      assert.equal(await store.get(key), undefined);
      assert.equal(await store.get('__proto__'), undefined);
      const long = `${'ü/🔨 #*'.repeat(28)}`;
      await store.set(long, long);
      assert.equal(await store.get(long), long);
      await store.set(long, undefined);
    });

    it('never shows a partial state while several processes read and write it', async (bench) => {
      const store = bench.part('states');
      const other = bench.part('states', await bench.openAnother());
      const key = randomUUID();
      await store.set(key, 'a');
      const stores = bench.isShared ? [store, other] : [store];
      const reads = Array.from({ length: 20 }, (_, index) => stores[index % stores.length]?.get(key));
      const write = (stores.at(-1) ?? store).set(key, 'b');
      for (const seen of await Promise.all(reads)) assert.match(String(seen), /^[ab]$/);
      await write;
      assert.deepEqual(await Promise.all(stores.map((one) => one.get(key))), Array(stores.length).fill('b'));
      await store.set(key, undefined);
    });

    it('keeps state over a restart of the server', async (bench) => {
      const restart = bench.options.crash ?? bench.options.restart;
      const store = bench.part('states');
      bench.needs(bench.broker.capabilities.persistent, 'the broker is not persistent');
      if (restart === undefined) throw new NotApplicable('the suite has no option to restart the server');
      await store.set('kept', 'yes');
      await restart();
      const another = bench.part('states', await bench.openAnother());
      for (const one of [another, store]) {
        let seen: string | undefined;
        const read = async () => {
          seen = await one.get('kept').catch(() => undefined);
          return seen !== undefined;
        };
        await bench.until(read, 15_000, () => 'the state was not read');
        assert.equal(seen, 'yes');
      }
    }, 90_000);
  },
};
