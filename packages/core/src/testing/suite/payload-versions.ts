import assert from 'node:assert/strict';
import { REASON_HEADER } from '../../broker/headers.ts';
import { firstMessages } from '../../broker/page-messages.ts';
import type { UpcastStep } from '../../versions/payload-versions.ts';
import type { Group } from './group.ts';
import { worker } from './worker-bench.ts';

const second = { version: 2, upcast: { 1: ([id]: readonly unknown[]) => [{ id }] } } as const;

export const payloadVersions: Group = {
  name: 'versions of arguments',
  cases(it) {
    it('converts a message that an older version sent, in each attempt, and runs it', async (bench) => {
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      const seen: unknown[] = [];
      const old = await worker(bench, () => undefined);
      await old.task.send('ada');
      const now = await worker(
        bench,
        (user: unknown) => {
          seen.push(user);
          if (seen.length === 1) throw new Error('the first attempt fails');
        },
        { task: second },
      );
      await now.until({ succeeded: 1 }, 3_000 + bench.broker.capabilities.delayResolutionMs);
      assert.deepEqual(seen, [{ id: 'ada' }, { id: 'ada' }]);
    }, 20_000);

    it('delays a message of a newer version than the worker knows, and does not run it', async (bench) => {
      bench.needs(bench.broker.capabilities.maxDelayMs > 0, 'the broker cannot delay');
      const inspector = bench.part('inspector');
      let runs = 0;
      const newer = await worker(bench, () => undefined, { task: second });
      const old = await worker(bench, () => void runs++);
      await newer.task.send({ id: 'ada' });
      await old.task.send('old');
      await old.until({ succeeded: 1 });
      let counts = await inspector.counts(bench.queue);
      await bench.until(
        async () => {
          counts = await inspector.counts(bench.queue);
          return counts.delayed === undefined ? counts.ready === 0 : counts.delayed === 1;
        },
        3_000,
        () => `counts: ${JSON.stringify(counts)}`,
      );
      assert.equal(counts.dead ?? 0, 0);
      assert.deepEqual([runs, old.events], [1, ['succeeded']]);
    }, 20_000);

    it('makes a dead letter at once if a step throws, with the reason of the step', async (bench) => {
      const inspector = bench.part('inspector');
      const old = await worker(bench, () => undefined);
      await old.task.send('ada');
      const step: UpcastStep = () => {
        throw new TypeError('no such user');
      };
      const now = await worker(bench, () => undefined, { task: { version: 2, upcast: { 1: step } } });
      await now.until({ dead: 1 });
      const [letter] = await firstMessages(inspector, bench.queue, 'dead', 1);
      assert.match(letter?.headers[REASON_HEADER] ?? '', /upcast from version 1 failed: TypeError: no such user/);
      assert.deepEqual(now.events, ['dead']);
    });
  },
};
