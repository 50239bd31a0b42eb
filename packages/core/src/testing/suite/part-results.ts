import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Group } from './group.ts';

export const results: Group = {
  name: 'part results',
  cases(it) {
    it('keeps results until they expire, and wakes a caller that waits for one', async (bench) => {
      const store = bench.part('results');
      const id = randomUUID();
      assert.equal(await store.load(id, AbortSignal.abort()), undefined);
      const waiting = store.load(id, AbortSignal.timeout(4_000));
      await store.store(id, Buffer.from('1'), 60_000);
      assert.equal(Buffer.from((await waiting) ?? []).toString(), '1');
      await store.store(id, Buffer.from('2'), 100);
      assert.equal(Buffer.from((await store.load(id, AbortSignal.abort())) ?? []).toString(), '2');
      await bench.pass(150);
      assert.equal(await store.load(id, AbortSignal.abort()), undefined);
    });
  },
};
