import assert from 'node:assert/strict';
import type { TestBench } from './bench.ts';
import type { Group } from './group.ts';
import { worker } from './worker-bench.ts';

const EACH = 400;
const CONCURRENCY = 10;
/** Share of messages that may be delivered out of turn. */
const TOLERANCE = 0.03;

/** Stores 400 messages in each of two queues, runs them all, and returns how many of the first `among` came from the first. */
async function firstAmong(bench: TestBench, among: number, weights: readonly [number, number], strict: boolean) {
  const [first, second] = [`${bench.queue}-first`, `${bench.queue}-second`];
  const order: string[] = [];
  const { task, until } = await worker(bench, (queue: string) => void order.push(queue), {
    worker: { queues: { [first]: weights[0], [second]: weights[1] }, strict, concurrency: CONCURRENCY },
  });
  for (const queue of [second, first]) {
    await task.with({ queueName: queue }).sendMany(Array.from({ length: EACH }, () => [queue]));
  }
  await until({ succeeded: 2 * EACH }, 15_000);
  return order.slice(0, among).filter((queue) => queue === first).length;
}

export const queueOrder: Group = {
  name: 'several queues in one worker',
  cases(it) {
    it('with strict order, serves a queue only once the queues before it are empty', async (bench) => {
      const served = await firstAmong(bench, EACH, [1, 1], true);
      assert(served >= EACH * (1 - TOLERANCE), `${served} of the first ${EACH} messages came from the first queue`);
    }, 30_000);

    it('with weights of 6 and 1, serves six messages of the first queue for one of the second', async (bench) => {
      const among = 350;
      const due = (among * 6) / 7;
      const served = await firstAmong(bench, among, [6, 1], false);
      const isNear = Math.abs(served - due) <= among * TOLERANCE;
      assert(isNear, `${served} of the first ${among} messages came from the first queue; expected ${due}`);
    }, 30_000);
  },
};
