import assert from 'node:assert/strict';
import { REASON_HEADER } from '../../broker/headers.ts';
import { currentTask } from '../../task/current-task.ts';
import { release } from './bench.ts';
import { firstMessages } from '../../broker/page-messages.ts';
import type { Group } from './group.ts';
import { watchingSuspects } from './subscribing-otherwise.ts';
import { borrowed, crash, worker } from './worker-bench.ts';

export const poison: Group = {
  name: 'poison',
  cases(it) {
    it('dead-letters a message after three crashes, without running it', async (bench) => {
      const inspector = bench.part('inspector');
      let runs = 0;
      const { task, until } = await worker(bench, () => void runs++);
      await task.send();
      for (let round = 0; round < 3; round++) await crash(bench, 1);
      await until({ dead: 1 }, bench.recoveryMs);
      assert.equal(runs, 0);
      const [letter] = await firstMessages(inspector, bench.queue, 'dead', 1);
      assert.match(letter?.headers[REASON_HEADER] ?? '', /^crashed: 3/);
    }, 40_000);

    it('runs a suspect alone, and delays but does not lose the messages beside it', async (bench) => {
      let running = 0;
      const crowded: string[] = [];
      const { task, until } = await worker(
        bench,
        async (name: string) => {
          running++;
          if (name === 'suspect' && running > 1) crowded.push(`${currentTask().id} with ${running - 1} others`);
          await new Promise<void>((resolve) => bench.clock.setTimeout(resolve, 30));
          if (name === 'suspect' && running > 1) crowded.push(`${currentTask().id} was joined`);
          running--;
        },
        { worker: { concurrency: 5 } },
      );
      await task.sendMany([['suspect'], ['suspect'], ['suspect']]);
      for (let round = 0; round < 2; round++) await crash(bench, 3);
      await task.sendMany(Array.from({ length: 12 }, () => ['innocent']));
      await until({ succeeded: 15 }, bench.recoveryMs + 3_000);
      assert.deepEqual(crowded, []);
    }, 60_000);

    it('starts no message of a batch that contains a suspect, so that their crashes do not count for it', async (bench) => {
      const inHand = new Set<string>();
      const charged: string[] = [];
      const { task, until } = await worker(
        bench,
        async (name: string) => {
          for (const id of inHand) if (id !== currentTask().id) charged.push(`${id} for ${name}`);
          await new Promise<void>((resolve) => bench.clock.setTimeout(resolve, 10));
        },
        { worker: { concurrency: 5 }, manager: { broker: watchingSuspects(borrowed(bench), inHand) } },
      );
      await task.sendMany([['suspect'], ['suspect']]);
      for (let round = 0; round < 2; round++) await crash(bench, 2);
      // After this, both suspects are ready, and can arrive in one batch with the others if the broker allows it.
      const other = await bench.subscribe();
      await bench.settle(other, release(await bench.takeOne(other, bench.recoveryMs)));
      await task.sendMany(Array.from({ length: 6 }, () => ['innocent']));
      await until({ succeeded: 8 }, bench.recoveryMs + 3_000);
      assert.deepEqual(charged, []);
    }, 60_000);

    it('hands a suspect back if the worker is busy, so that a crash of the worker does not count for it', async (bench) => {
      let finish = () => {};
      let busy = false;
      const { task, until } = await worker(bench, async (name: string) => {
        if (name !== 'busy') return;
        busy = true;
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
      });
      await task.send('suspect');
      for (let round = 0; round < 2; round++) await crash(bench, 1);
      // This consumer holds the suspect until the worker is busy.
      const other = await bench.subscribe();
      const kept = await bench.takeOne(other, bench.recoveryMs);
      await task.send('busy');
      await until({});
      await bench.until(
        async () => {
          await other.extend([kept]);
          return busy;
        },
        bench.recoveryMs,
        () => 'the other message did not run',
      );
      await bench.settle(other, release(kept));
      // By now the worker has received the suspect.
      await bench.pass(bench.recoveryMs);
      const suspect = await bench.takeOne(other);
      assert.equal(suspect.crashes, 2);
      await bench.settle(other, release(suspect));
      finish();
      await until({ succeeded: 2 }, bench.recoveryMs);
    }, 60_000);
  },
};
