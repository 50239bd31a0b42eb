import { openBroker, createBroker } from '@brokkr/core';
import type { StateStore } from '@brokkr/core/adapter';
import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { decodeJobRecord, encodeJobRecord } from '../src/actions/job-record.ts';
import { JobRecords } from '../src/actions/job-records.ts';
import type { BulkJob } from '../src/index.ts';
import { managerOf, mount } from './mounted.ts';

const job: BulkJob = {
  ...{ id: 'j1', do: 'retry', queue: 'pdf', filter: { task: 'invoice.pdf', since: 7, until: 9 }, who: 'ada' },
  ...{ startedAt: 1_000, state: 'running', done: 500, looked: 600, total: 2_000 },
};

/** A store, and records of one dashboard that share its clock with the test. */
async function setUp() {
  const broker = await openBroker(createBroker(`memory:${randomUUID()}`));
  onTestFinished(() => broker.close());
  const states = broker.states as StateStore;
  const clock = { now: 1_000_000 };
  const failures: unknown[] = [];
  const recordsOf = (store: StateStore | undefined = states) =>
    new JobRecords(async () => store, { now: () => clock.now, onFailure: (error) => failures.push(error) });
  return { states, clock, failures, recordsOf };
}

describe('the records of bulk jobs', () => {
  it('show a job of a dashboard that died as running, and after 15 s without a sign of life as interrupted', async () => {
    const { clock, recordsOf } = await setUp();
    await recordsOf().keep(() => job);
    const restarted = recordsOf();
    expect(await restarted.read()).toBe(true);
    expect(restarted.jobs).toEqual([{ ...job, isElsewhere: true }]);
    clock.now += 14_000;
    await restarted.read();
    expect(restarted.jobs[0]?.state).toBe('running');
    clock.now += 2_000;
    expect(await restarted.read()).toBe(false);
    expect(restarted.jobs[0]).toMatchObject({ state: 'interrupted', done: 500, total: 2_000, endedAt: 1_000_000 });
  });

  it('follow a job of another dashboard to its end', async () => {
    const { clock, recordsOf } = await setUp();
    let row = job;
    const kept = await recordsOf().keep(() => row);
    const other = recordsOf();
    await other.read();
    row = { ...job, state: 'done', done: 2_000, endedAt: 9_000 };
    await kept.end();
    clock.now += 100_000;
    expect(await other.read()).toBe(false);
    expect(other.jobs).toEqual([{ ...row, isElsewhere: true }]);
  });

  it('keep the last eight jobs, and never those that run in the place of others', async () => {
    const { recordsOf } = await setUp();
    const records = recordsOf();
    await records.keep(() => ({ ...job, id: 'runs', startedAt: 1 }));
    for (let at = 1; at <= 10; at++) {
      const ended = { ...job, id: `e${at}`, state: 'done', startedAt: at * 10 } as const;
      await (await records.keep(() => ended)).end();
    }
    await records.read();
    expect(records.jobs.map(({ id }) => id).sort()).toEqual(['e10', 'e4', 'e5', 'e6', 'e7', 'e8', 'e9', 'runs']);
  });

  it('let a job run if the broker keeps no states, or fails', async () => {
    const { recordsOf, failures } = await setUp();
    const none = recordsOf(undefined);
    const failing = recordsOf({
      get: () => Promise.reject(new Error('away')),
      set: () => Promise.reject(new Error('away')),
    });
    for (const records of [none, failing]) await (await records.keep(() => job)).end();
    expect(failing.jobs).toEqual([]);
    expect(String(failures[0])).toContain('away');
  });

  it.each(['', '{', '[]', 'null', '{"id":"x"}', JSON.stringify({ ...job, beatAt: 1, do: 'shout' })])(
    'leave out the value %j of another program',
    (value) => {
      expect(decodeJobRecord(value)).toBeUndefined();
    },
  );

  it('cut texts so that a record is at most 1 KiB', () => {
    const long = '€'.repeat(5_000);
    const filter = { task: 't'.repeat(120), error: long, group: long, text: long };
    const big = { ...job, queue: 'q'.repeat(120), to: 'q'.repeat(120), who: long, filter };
    const value = encodeJobRecord({ job: { ...big, error: { code: 'X', message: long } }, beatAt: 1 });
    expect(Buffer.byteLength(value)).toBeLessThanOrEqual(1_024);
    expect(decodeJobRecord(value)?.job).toMatchObject({ queue: big.queue, to: big.to, done: 500 });
    expect(decodeJobRecord(encodeJobRecord({ job, beatAt: 5 }))).toEqual({ job, beatAt: 5 });
  });
});

it('a dashboard lists the jobs of an earlier one, to users who see the queue', async () => {
  const tm = await managerOf();
  const states = (await tm.broker()).states as StateStore;
  await states.set('dashboard.bulk:0', encodeJobRecord({ job, beatAt: Date.now() - 100_000 }));
  const { get, post } = mount(tm);
  expect((await get('app/bulk')).body.items).toMatchObject([{ id: 'j1', state: 'interrupted', isElsewhere: true }]);
  expect((await post('app/bulk/j1/stop')).body).toEqual({ done: 0, missing: ['j1'] });
  const other = mount(tm, { access: () => ({ level: 'read', queues: ['mails'] }) });
  expect((await other.get('app/bulk')).body.items).toEqual([]);
});
