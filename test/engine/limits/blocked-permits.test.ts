import { MemoryBroker } from '@brokkr/broker-memory';
import { currentTask, type TaskManager } from '@brokkr/core';
import type { LimitStore, PermitRequest } from '@brokkr/core/adapter';
import { ManualClock } from '@brokkr/core/testing';
import { afterEach, expect, it, vi } from 'vitest';
import { closeManagers, limitsOf, managerOn } from './permit-bench.ts';

afterEach(closeManagers);

interface Guard {
  readonly request: PermitRequest | undefined;
  readonly until: number;
  readonly leaseMs: number;
}

/** A memory broker whose limits note the calls of `guard`. */
function guarded(broker: MemoryBroker): { readonly limits: LimitStore; readonly guards: readonly Guard[] } {
  const guards: Guard[] = [];
  const guard: LimitStore['guard'] = (request, options) => guards.push({ request, ...options });
  return { limits: limitsOf(broker, () => ({ guard })), guards };
}

function task(tm: TaskManager, handler: () => Promise<void>) {
  const limits = [tm.limit({ name: 'slots', concurrency: 1 }).for('k'), tm.limit({ name: 'rate', rate: 9, burst: 9 })];
  return tm.task({ name: 't', timeout: '20s', limits }, handler);
}

it('guards the slots of a run up to its deadline, and no longer once its message is lost', async () => {
  const broker = new MemoryBroker();
  const { limits, guards } = guarded(broker);
  const tm = await managerOn(broker, { limits }, { lease: '1s' });
  let end: () => void = () => undefined;
  const subject = task(
    tm,
    () =>
      new Promise((resolve) => {
        end = resolve;
      }),
  );
  const plain = tm.task({ name: 'plain' }, async () => undefined);
  await tm.createWorker({ workerId: 'w', concurrency: 2 }).start();
  await plain.send();
  await vi.waitFor(async () => expect(await broker.inspector.counts('default')).toMatchObject({ acknowledged: 1 }));
  expect(guards, 'a worker that holds no slots guards none').toEqual([]);
  const before = performance.now();
  await subject.send();
  await vi.waitFor(() => expect(guards).toHaveLength(1));
  const demands = [{ limit: 'slots', key: 'k' }, { limit: 'rate' }];
  expect(guards[0]).toMatchObject({ request: { demands }, leaseMs: 1_000 });
  expect(guards[0]?.until).toBeGreaterThanOrEqual(before + 20_000);
  expect(guards[0]?.until).toBeLessThanOrEqual(performance.now() + 20_000);
  await plain.send();
  await vi.waitFor(() => expect(guards).toHaveLength(2));
  expect(guards[1]?.request, 'a run without slots may block the loop too').toBeUndefined();
  await broker.workers.release('w');
  await vi.waitFor(() => expect(guards[2]).toMatchObject({ request: guards[0]?.request, until: 0 }));
  end();
});

it('guards nothing if no thread may renew', async () => {
  const broker = new MemoryBroker();
  const { limits, guards } = guarded(broker);
  const tm = await managerOn(broker, { limits }, { leaseThread: false });
  let runs = 0;
  const subject = task(tm, async () => void runs++);
  await tm.createWorker().start();
  await subject.send();
  await vi.waitFor(() => expect(runs).toBe(1));
  expect(guards).toEqual([]);
});

it('starts no message whose slot was granted half a lease ago: it asks again', async () => {
  const clock = new ManualClock();
  const broker = new MemoryBroker({ clock });
  const answers: (() => void)[] = [];
  let asked = 0;
  const limits = limitsOf(broker, (store) => ({
    acquire: async (...args) => {
      asked += args[0].length;
      const answer = await store.acquire(...args);
      if (answers.length === 0) await new Promise<void>((resolve) => answers.push(resolve));
      return answer;
    },
  }));
  const tm = await managerOn(broker, { limits }, { clock, lease: '2s' });
  const attempts: number[] = [];
  const subject = task(tm, async () => void attempts.push(currentTask().attempt));
  await tm.createWorker().start();
  await subject.send();
  await clock.advance(1_200);
  expect(answers).toHaveLength(1);
  answers[0]?.();
  await vi.waitFor(() => expect(attempts).toEqual([1]));
  expect(asked).toBe(2);
  await clock.advance(100);
  expect((await limits.usage()).map(({ held }) => held)).toEqual([0, 0]);
  expect(await broker.inspector.counts('default')).toMatchObject({ acknowledged: 1, running: 0, dead: 0 });
});

it('starts no batch with messages whose slots may have lapsed while they gathered', async () => {
  const clock = new ManualClock();
  const broker = new MemoryBroker({ clock });
  let mayRenew = false;
  const limits = limitsOf(broker, (store) => ({
    renew: (...args) => (mayRenew ? store.renew(...args) : Promise.reject(new Error('connection refused'))),
  }));
  const tm = await managerOn(broker, { limits }, { clock, lease: '2s' });
  const slots = tm.limit({ name: 'slots', concurrency: 5 });
  const calls: number[] = [];
  const gathering = tm.batchTask(
    { name: 'b', limits: () => [slots], batch: { size: 10, timeout: '5s' } },
    async (numbers: number[]) => void calls.push(...numbers),
  );
  await tm.createWorker().start();
  await gathering.sendMany([[1], [2], [3]]);
  await clock.advance(5_500);
  expect(calls, 'they have gathered for their time').toEqual([]);
  mayRenew = true;
  await clock.advance(6_000);
  expect(calls).toEqual([1, 2, 3]);
});
