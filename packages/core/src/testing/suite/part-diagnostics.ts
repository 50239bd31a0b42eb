import assert from 'node:assert/strict';
import type { Group } from './group.ts';

export const diagnostics: Group = {
  name: 'part diagnostics',
  cases(it) {
    it('reports problems of its server, and changes nothing', async (bench) => {
      const diagnostics = bench.part('diagnostics');
      const [id] = await bench.publish(1);
      for (const { severity, code, message } of await diagnostics.diagnose()) {
        assert.match(severity, /^(error|warning)$/);
        assert.match(code, /^[A-Z][A-Z_]+$/);
        assert.notEqual(message, '');
      }
      assert.equal((await bench.takeOne(await bench.subscribe())).envelope.id, id);
    });
  },
};
