import { randomUUID } from 'node:crypto';
import { PermanentError, TaskManager } from '@brokkr/core';
import { createDashboard } from '@brokkr/dashboard';
import { expect, it, onTestFinished } from 'vitest';

const HEADERS = { 'x-brokkr': '1', 'content-type': 'application/json' };
const WAIT = { timeout: 30_000, interval: 100 };

// biome-ignore lint/suspicious/noExplicitAny: each case reads the fields of its answer.
type Body = any;

/** Cases of the HTTP API on a real server. @param browses whether the server shows messages without a look */
export function apiCases(url: () => string, browses: boolean): void {
  /** A queue with dead letters, and the API of its dashboard. */
  async function failing(letters: number) {
    const tm = TaskManager.getInstance(randomUUID());
    await tm.initialize({ brokerUrl: url(), namespace: `n${randomUUID().slice(0, 8)}`, logLevel: 'silent' });
    onTestFinished(() => tm.close());
    const task = tm.task({ name: 'pdf', queueName: 'pdf', maxRetries: 0 }, async (order: number) => {
      throw new PermanentError(`order ${order} has no address`);
    });
    tm.task({ name: 'other', queueName: 'other' }, async () => undefined);
    await task.sendMany(Array.from({ length: letters }, (_, order) => [order] as [number]));
    const worker = tm.createWorker({ queues: ['pdf', 'other'], concurrency: 10, workerId: 'pdf-1' });
    await worker.start();
    const dashboard = createDashboard({ managers: { app: tm }, access: () => 'operate' });
    onTestFinished(() => dashboard.close());
    const call = async (path: string, init: RequestInit = {}): Promise<Body> => {
      const answer = await dashboard.fetch(new Request(`http://localhost/api/v1/app/${path}`, init));
      return answer.json();
    };
    const post = (path: string, body: object = {}) =>
      call(path, { method: 'POST', headers: HEADERS, body: JSON.stringify(body) });
    const row = async () => (await call('queues')).items.find(({ name }: { name: string }) => name === 'pdf');
    await expect.poll(async () => (await row())?.counts.dead, WAIT).toBe(letters);
    if (!browses) await post('queues/pdf/look', { state: 'dead' });
    return { tm, worker, call, post, row };
  }

  it('shows the figures of workers, and leaves out what the broker cannot know', async () => {
    const { call, row } = await failing(3);
    await expect.poll(async () => (await call('workers')).items.length, WAIT).toBe(1);
    expect((await call('workers')).items[0]).toMatchObject({ id: 'pdf-1', slots: 10, state: 'running' });
    const { counts, workers, asOf } = await row();
    expect(workers).toBe(1);
    expect(counts).toMatchObject({ ready: 0, running: 0, dead: 3 });
    expect('running' in asOf).toBe(!browses);
    expect((await call('overview')).counts.dead).toBe(3);
  }, 60_000);

  it('finds dead letters by their error, and retries, discards and moves them by ids', async () => {
    const { tm, worker, call, post } = await failing(6);
    await worker.stop();
    const groups = await call('dead/groups?queue=pdf');
    expect('asOf' in groups).toBe(!browses);
    expect(groups.items).toMatchObject([{ task: 'pdf', error: 'PermanentError: order # has no address', count: 6 }]);
    const filter = `state=dead&group=${encodeURIComponent(groups.items[0].error)}`;
    const { items, matched } = await call(`queues/pdf/messages?${filter}`);
    expect(matched).toBe(6);
    const ids: readonly string[] = items.map(({ id }: { id: string }) => id);
    expect(await call(`queues/pdf/messages/${ids[0]}`)).toMatchObject({
      state: 'dead',
      attempts: [{ worker: 'pdf-1' }],
    });
    expect(await post('queues/pdf/messages/retry', { ids: [ids[0], 'nowhere'] })).toEqual({
      done: 1,
      missing: ['nowhere'],
    });
    expect((await post('queues/pdf/messages/discard', { ids: ids.slice(1, 3), confirm: 'pdf' })).done).toBe(2);
    expect((await post('queues/pdf/messages/move', { ids: [ids[3]], to: 'other' })).done).toBe(1);
    const toNew = { ids: [ids[4]], to: 'new' };
    expect((await post('queues/pdf/messages/move', toNew)).error.code).toBe('QUEUE_NEW');
    expect((await post('queues/pdf/messages/move', { ...toNew, create: true })).done).toBe(1);
    await expect.poll(async () => tm.queue('pdf').counts(), WAIT).toMatchObject({ ready: 1, dead: 1 });
    const names = async () => (await call('queues')).items.map(({ name }: { name: string }) => name);
    await expect.poll(names, WAIT).toContain('new');
    expect((await tm.queue('new').counts()).ready).toBe(1);
    expect((await tm.queue('other').counts()).ready).toBe(1);
  }, 60_000);

  it('changes all letters of a filter in a job, unless their number is off', async () => {
    const { tm, worker, call, post } = await failing(40);
    await worker.stop();
    const request = { do: 'retry', queue: 'pdf', filter: { task: 'pdf' } };
    expect(await post('bulk', { ...request, expect: 30 })).toMatchObject({ error: { code: 'COUNT_CHANGED' } });
    expect(await post('bulk', { ...request, expect: 60 })).toMatchObject({
      error: { code: 'COUNT_CHANGED', matched: 40 },
    });
    expect((await tm.queue('pdf').counts()).dead).toBe(40);
    const { job } = await post('bulk', { ...request, expect: 40 });
    const jobOf = async () => (await call('bulk')).items.find(({ id }: { id: string }) => id === job);
    await expect.poll(jobOf, WAIT).toMatchObject({ state: 'done', done: 40 });
    await expect.poll(async () => tm.queue('pdf').counts(), WAIT).toMatchObject({ ready: 40, dead: 0 });
  }, 60_000);

  it('pauses a queue, and shows that its worker obeys', async () => {
    const { call, post, row } = await failing(1);
    await post('queues/pdf/pause');
    await expect.poll(row, WAIT).toMatchObject({ paused: true, obeying: 1, workers: 1 });
    expect(await post('workers/pdf-1/quiet', { quiet: true })).toEqual({ done: 1, missing: [] });
    await expect.poll(async () => (await call('workers')).items[0]?.state, WAIT).toBe('quiet');
    await post('queues/pdf/resume');
    await expect.poll(row, WAIT).toMatchObject({ paused: false });
  }, 60_000);
}
