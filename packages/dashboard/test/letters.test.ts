import { PermanentError } from '@brokkr/core';
import { deadLetterEnvelope } from '@brokkr/core/adapter';
import { describe, expect, it } from 'vitest';
import { managerOf, mount } from './mounted.ts';

/** Orders of which some fail, in `pdf`: 24 die of one error, 2 of another. */
async function failing() {
  const tm = await managerOf();
  const invoice = tm.task({ name: 'invoice.pdf', queueName: 'pdf', maxRetries: 0 }, async (order: { id: number }) => {
    if (order.id >= 100) throw new PermanentError(`order ${order.id} has no address`);
    throw new Error(`renderer said 502 for order ${order.id}`);
  });
  const ids: string[] = [];
  for (let id = 1; id <= 24; id++)
    ids.push((await invoice.send({ id, callbackToken: `t-${id}` } as { id: number })).id);
  for (let id = 100; id <= 101; id++) await invoice.send({ id });
  const worker = tm.createWorker({ queues: ['pdf'], concurrency: 8 });
  await worker.start();
  await expect.poll(async () => (await tm.queue('pdf').counts()).dead, { timeout: 8_000 }).toBe(26);
  await worker.stop();
  return { tm, ids };
}

describe('dead letters in the API', () => {
  it('are grouped by task and error, found by group, and retried by their number', async () => {
    const { tm } = await failing();
    const { get, post } = mount(tm);
    const groups = (await get('app/dead/groups')).body;
    expect(groups).toMatchObject({ looked: 26, total: 26, unseen: [] });
    expect(groups.items).toMatchObject([
      { queue: 'pdf', task: 'invoice.pdf', error: 'Error: renderer said 502 for order #', count: 24, redriven: 0 },
      { error: 'PermanentError: order # has no address', count: 2 },
    ]);
    expect(groups.barMs).toBe(180_000);
    expect(groups.items[0].deaths.at(-1)).toBe(24);
    const { error: group, count: expect24 } = groups.items[0];
    const list = await get(`app/queues/pdf/messages?state=dead&limit=10&group=${encodeURIComponent(group)}`);
    expect(list.body).toMatchObject({ matched: 10, total: 26 });
    expect(list.body.items[0]).toMatchObject({ task: 'invoice.pdf', state: 'dead', attempt: 1, group });
    expect(list.body.items[0].args).toContain('"callbackToken":"•••"');

    const filter = { group };
    const off = await post('app/bulk', { do: 'retry', queue: 'pdf', filter, expect: 50 });
    expect(off).toMatchObject({ status: 409, body: { error: { code: 'COUNT_CHANGED', matched: 24 } } });
    expect((await tm.queue('pdf').counts()).dead).toBe(26);
    const { status, body } = await post('app/bulk', { do: 'retry', queue: 'pdf', filter, expect: expect24 });
    expect(status).toBe(202);
    await expect
      .poll(async () => (await get('app/bulk')).body.items.find((job: { id: string }) => job.id === body.job))
      .toMatchObject({ state: 'done', done: 24, total: 24 });
    expect(await tm.queue('pdf').counts()).toMatchObject({ ready: 24, dead: 2 });
  });

  it('are counted as they were grouped: the counts of the last sample are older', async () => {
    const { tm, ids } = await failing();
    const { get } = mount(tm);
    expect((await get('app/dead/groups')).body.total).toBe(26);
    await (await tm.broker()).inspector?.discard('pdf', ids.slice(0, 4));
    expect((await get('app/dead/groups')).body).toMatchObject({ looked: 22, total: 22 });
  });

  it('are listed page by page, each once, with a filter and without', async () => {
    const { tm } = await failing();
    const { get } = mount(tm);
    for (const filter of ['', '&error=renderer']) {
      const seen: string[] = [];
      let after = '';
      do {
        const { body } = await get(`app/queues/pdf/messages?state=dead&limit=7${filter}${after}`);
        seen.push(...body.items.map(({ id }: { id: string }) => id));
        after = body.next === undefined ? '' : `&after=${encodeURIComponent(body.next)}`;
      } while (after !== '');
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen.length).toBe(filter === '' ? 26 : 24);
    }
  });

  it('are shown whole: attempts, headers, arguments as they were sent', async () => {
    const { tm, ids } = await failing();
    const { get } = mount(tm);
    const { body } = await get(`app/queues/pdf/messages/${ids[0]}`);
    expect(body).toMatchObject({
      id: ids[0],
      state: 'dead',
      attempts: [{ attempt: 1, error: { name: 'Error', message: 'renderer said 502 for order 1' } }],
      body: { text: '[{"id":1,"callbackToken":"•••"}]', form: 'json', redacted: 1, truncated: false },
    });
    expect(body.command).toBeUndefined();
    const open = mount(tm, { access: () => ({ level: 'read', payloads: true }) });
    const whole = (await open.get(`app/queues/pdf/messages/${ids[0]}`)).body;
    expect(whole.body.text).toBe('[{"id":1,"callbackToken":"t-1"}]');
    expect(whole.command).toBe(`brokkr send invoice.pdf --queue pdf -- '{"id":1,"callbackToken":"t-1"}'`);
    expect((await get('app/queues/pdf/messages/no-such-id')).status).toBe(404);
    expect((await get(`app/find?id=${ids[1]}`)).body.items).toMatchObject([{ queue: 'pdf', state: 'dead' }]);
  });

  it('show how often they crashed, in lists and whole: no attempt of those ended', async () => {
    const tm = await managerOf();
    const { inspector } = await tm.broker();
    const sent = { id: 'killer', queue: 'pdf', body: Buffer.from('[]'), headers: { 'brokkr-task': 'pdf' } };
    const dead = deadLetterEnvelope(sent, 'crashed: 3 workers died', { at: 9_000, by: 'w2', crashes: 3 });
    await inspector?.bury?.('pdf', [dead]);
    const { get } = mount(tm);
    const seen = { attempt: 0, crashes: 3, deadBy: 'w2', deadAt: 9_000 };
    expect((await get('app/queues/pdf/messages?state=dead')).body.items).toMatchObject([seen]);
    expect((await get('app/queues/pdf/messages/killer')).body).toMatchObject({ ...seen, attempts: [] });
  });

  it('are retried, discarded and moved by ids; ids that are not there are named', async () => {
    const { tm, ids } = await failing();
    const other = tm.task({ name: 'other', queueName: 'later' }, async () => undefined);
    await other.send();
    const { post } = mount(tm);
    const retried = await post('app/queues/pdf/messages/retry', { ids: [ids[0], 'nowhere'] });
    expect(retried.body).toEqual({ done: 1, missing: ['nowhere'] });
    const unconfirmed = await post('app/queues/pdf/messages/discard', { ids: [ids[1]] });
    expect(unconfirmed).toMatchObject({ status: 400, body: { error: { code: 'CONFIRMATION_MISSING' } } });
    expect((await post('app/queues/pdf/messages/discard', { ids: [ids[1]], confirm: 'pdf' })).body.done).toBe(1);
    const moved = await post('app/queues/pdf/messages/move', { ids: [ids[2], ids[0]], to: 'later' });
    expect(moved.body).toEqual({ done: 1, missing: [ids[0]] });
    expect(await tm.queue('pdf').counts()).toMatchObject({ ready: 1, dead: 23 });
    expect((await tm.queue('later').counts()).ready).toBe(2);
  });

  it('are moved to a queue that is not known only if the call says that it may be new', async () => {
    const { tm, ids } = await failing();
    const { post } = mount(tm);
    const move = (to: string, more: object = {}, id = ids[0]) =>
      post('app/queues/pdf/messages/move', { ids: [id], to, ...more });
    expect(await move('pfd')).toMatchObject({ status: 409, body: { error: { code: 'QUEUE_NEW' } } });
    expect(await move('later.dead', { create: true })).toMatchObject({
      status: 400,
      body: { error: { code: 'REQUEST_INVALID' } },
    });
    expect((await move('later', { create: 'yes' })).status).toBe(400);
    expect((await move('later.prio.high', { create: true })).status).toBe(404);
    expect((await tm.queue('pdf').counts()).dead).toBe(26);
    expect((await move('later', { create: true })).body).toEqual({ done: 1, missing: [] });
    expect((await move('later', {}, ids[1])).body.done).toBe(1);
    expect((await tm.queue('later').counts()).ready).toBe(2);
    const bulk = { do: 'move', queue: 'pdf', filter: {}, expect: 24, to: 'new' };
    expect((await post('app/bulk', bulk)).body.error.code).toBe('QUEUE_NEW');
    expect((await post('app/bulk', { ...bulk, do: 'retry', to: undefined, create: true })).status).toBe(400);
    expect((await post('app/bulk', { ...bulk, create: true })).status).toBe(202);
    await expect.poll(async () => (await tm.queue('new').counts()).ready).toBe(24);
    const limited = mount(tm, { access: () => ({ level: 'operate', queues: ['pdf'] }) });
    const refused = await limited.post('app/queues/pdf/messages/move', { ids, to: 'other', create: true });
    expect(refused).toMatchObject({ status: 404, body: { error: { code: 'QUEUE_UNKNOWN' } } });
  });

  it('a search for text finds only what the user may see', async () => {
    const { tm } = await failing();
    const search = 'app/queues/pdf/messages?state=dead&text=t-17';
    expect((await mount(tm).get(search)).body).toMatchObject({ matched: 0, looked: 26 });
    const open = mount(tm, { access: () => ({ level: 'read', payloads: true }) });
    expect((await open.get(search)).body.matched).toBe(1);
  });

  it('a bulk job leaves letters alone that died after `until`; those without a time of death match', async () => {
    const tm = await managerOf();
    const { inspector } = await tm.broker();
    const bury = (...letters: readonly (readonly [id: string, deadAt?: number])[]) =>
      inspector?.bury?.(
        'many',
        letters.map(([id, deadAt]) => ({
          ...{ id, queue: 'many.dead', body: Buffer.from('[]') },
          headers: {
            ...{ 'brokkr-task': 'x', 'brokkr-reason': 'Error: no' },
            ...(deadAt !== undefined && { 'brokkr-dead-at': String(deadAt) }),
          },
        })),
      );
    await bury(['a', 1_000], ['b', 2_000], ['unknown']);
    const { get, post } = mount(tm);
    const { at } = (await get('app/queues/many/messages?state=dead')).body;
    expect(Math.abs(Date.now() - at)).toBeLessThan(60_000);
    // As many die while the dialog is open.
    await bury(['c', 2_001], ['d', 3_000], ['e', at + 60_000]);
    expect((await get('app/queues/many/messages?state=dead&until=2000')).body).toMatchObject({ matched: 3, looked: 6 });
    expect((await get('app/dead/groups?until=2000')).body.items).toMatchObject([{ count: 3 }]);
    const change = async (what: object) => {
      const filter = { until: 2_000 };
      const { status, body } = await post('app/bulk', { queue: 'many', filter, confirm: 'many', ...what });
      if (status === 202) {
        const job = async () => (await get('app/bulk')).body.items.find(({ id }: { id: string }) => id === body.job);
        await expect.poll(job).toMatchObject({ state: 'done', filter });
      }
      return [status, body.error?.matched];
    };
    expect(await change({ do: 'retry', expect: 6 })).toEqual([409, 3]);
    expect(await change({ do: 'retry', expect: 3, filter: {} })).toEqual([409, 6]);
    expect(await change({ do: 'discard', expect: 3 })).toEqual([202, undefined]);
    expect(await tm.queue('many').counts()).toMatchObject({ ready: 0, dead: 3 });
    expect((await post('app/bulk', { do: 'retry', queue: 'many', filter: { until: 'now' }, expect: 3 })).status).toBe(
      400,
    );
  });

  it('a bulk job can be stopped, and loses nothing', async () => {
    const tm = await managerOf();
    const broker = await tm.broker();
    const letters = Array.from({ length: 3_000 }, (_, index) => ({
      ...{ id: `l-${index}`, queue: 'many.dead', body: Buffer.from('[]') },
      headers: { 'brokkr-task': 'x', 'brokkr-reason': 'Error: no' },
    }));
    await broker.inspector?.bury?.('many', letters);
    const { get, post } = mount(tm);
    const { body } = await post('app/bulk', { do: 'retry', queue: 'many', filter: {}, expect: 3_000, confirm: 'many' });
    await post(`app/bulk/${body.job}/stop`);
    await expect.poll(async () => (await get('app/bulk')).body.items[0].state).toMatch(/stopped|done/);
    const { ready = 0, dead = 0 } = await tm.queue('many').counts();
    expect(ready + dead).toBe(3_000);
    const [job] = (await get('app/bulk')).body.items;
    expect(job.done).toBe(ready);
  });
});
