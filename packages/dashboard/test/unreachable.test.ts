import { BrokerUnavailableError } from '@brokkr/core';
import { describe, expect, it } from 'vitest';
import { managerOf, mount } from './mounted.ts';

/** A broker that cannot be reached. @param lists whether its server lists its queues, as that of Redis does */
async function away(lists = true) {
  const tm = await managerOf();
  const broker = await tm.broker();
  const refuse = () => Promise.reject(new BrokerUnavailableError('redis://localhost:6379 is unreachable'));
  const { inspector, messages, workers } = broker;
  if (inspector === undefined || messages === undefined || workers === undefined) throw new Error('memory has all');
  Object.assign(workers, { reports: refuse });
  Object.assign(messages, { find: refuse });
  Object.assign(inspector, { countsOf: refuse, counts: refuse, page: refuse, queues: lists ? refuse : async () => [] });
  if (!lists) Object.assign(broker, { capabilities: { ...broker.capabilities, counts: 'ready-only' } });
  return mount(tm);
}

const UNAVAILABLE = { status: 503, body: { error: { code: 'BROKER_UNAVAILABLE' } } };

describe('a broker that was never reached', () => {
  it.each([
    ['app/find?id=m-1'],
    ['app/dead/groups'],
    ['app/dead/groups?queue=q'],
    ['app/queues/q'],
    ['app/queues/q/messages?state=running'],
  ])('%s is answered with 503, not with nothing', async (path) => {
    for (const lists of [true, false]) expect(await (await away(lists)).get(path)).toMatchObject(UNAVAILABLE);
  });

  it.each([
    ['app/bulk', { do: 'retry', queue: 'q', filter: {}, expect: 1 }],
    ['app/workers/w-1/quiet', {}],
  ])('a change by %s is answered with 503', async (path, body) => {
    for (const lists of [true, false]) expect(await (await away(lists)).post(path, body)).toMatchObject(UNAVAILABLE);
  });

  it('has no figures: none of them is zero', async () => {
    const { get } = await away();
    expect((await get('app/overview')).body).toEqual({
      ...{ at: expect.any(Number), counts: {}, asOf: {}, warnings: [] },
      error: { code: 'BROKER_UNAVAILABLE', message: 'redis://localhost:6379 is unreachable' },
    });
    for (const list of ['queues', 'workers', 'tasks'])
      expect((await get(`app/${list}`)).body).toMatchObject({ items: [], error: { code: 'BROKER_UNAVAILABLE' } });
  });
});

it('a bulk job on a broker that fails later is answered with 503', async () => {
  const tm = await managerOf();
  await tm.task({ name: 'a', queueName: 'q' }, async () => undefined).send();
  const { get, post } = mount(tm);
  expect((await get('app/queues')).body.items).toHaveLength(1);
  const { inspector } = await tm.broker();
  Object.assign(inspector as object, { counts: () => Promise.reject(new BrokerUnavailableError('away')) });
  expect(await post('app/bulk', { do: 'retry', queue: 'q', filter: {}, expect: 1 })).toMatchObject(UNAVAILABLE);
});
