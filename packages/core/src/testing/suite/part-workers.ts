import assert from 'node:assert/strict';
import { ack, ids } from './bench.ts';
import type { Group } from './group.ts';

export const workers: Group = {
  name: 'part workers',
  cases(it) {
    it('releases the messages of a dead worker immediately, as crashes', async (bench) => {
      const workers = bench.part('workers');
      const published = await bench.publish(3);
      const dead = await bench.subscribe(bench.queue, { workerId: 'dead' });
      const alive = await bench.subscribe(bench.queue, { workerId: 'alive' });
      await bench.take(dead, 2);
      const kept = await bench.takeOne(alive);
      assert.equal(await workers.release('dead'), 2);
      const back = await bench.take(alive, 2);
      assert.deepEqual(ids([...back, kept]).sort(), published.sort());
      assert.deepEqual(
        back.map(({ crashes }) => crashes),
        [1, 1],
      );
      await bench.settle(alive, ...back.map(ack), ack(kept));
    });
  },
};
