import { MemoryBroker } from '@brokkr/broker-memory';
import { DEAD_AT_HEADER, type PageItem } from '@brokkr/core/adapter';
import { describe, expect, it } from 'vitest';
import { inOrder } from '../src/letters/look-order.ts';
import { managerOf, mount } from './mounted.ts';

const item = (id: string, deadAt?: string, dueAt?: number): PageItem => ({
  envelope: {
    id,
    queue: 'q',
    headers: deadAt === undefined ? {} : { [DEAD_AT_HEADER]: deadAt },
    body: new Uint8Array(),
  },
  ...(dueAt !== undefined && { dueAt }),
});
const ids = (items: readonly PageItem[]) => items.map(({ envelope }) => envelope.id).join(' ');

describe('the messages of a look', () => {
  it('are sorted by their death, whichever queue of the server holds them', () => {
    const letters = [item('a', '100'), item('b', '300'), item('c'), item('d', '200'), item('e', 'soon')];
    expect(ids(inOrder(letters, 'dead', 'oldest'))).toBe('a d e b c');
    expect(ids(inOrder(letters, 'dead', 'newest'))).toBe('c b e d a');
  });

  it('are sorted by the time they are due, or stay in the order of the queue', () => {
    const delayed = [item('a', undefined, 30), item('b', undefined, 10), item('c', undefined, 20)];
    expect(ids(inOrder(delayed, 'delayed', 'oldest'))).toBe('b c a');
    expect(ids(inOrder(delayed, 'ready', 'oldest'))).toBe('a b c');
    expect(ids(inOrder(delayed, 'ready', 'newest'))).toBe('c b a');
  });

  it('come newest first if the API is asked for that', async () => {
    const broker = new MemoryBroker();
    const { inspector } = broker;
    const front = { page: inspector.page.bind(inspector), queues: () => inspector.queues(), browsing: 'front' };
    Object.defineProperty(broker, 'inspector', { value: Object.assign(Object.create(inspector), front) });
    const tm = await managerOf({ broker });
    const task = tm.task({ name: 'a', queueName: 'q' }, async (_number: number) => undefined);
    const sent: string[] = [];
    for (const number of [1, 2, 3]) sent.push((await task.send(number)).id);
    const { get, post } = mount(tm);
    expect((await post('app/queues/q/look', { state: 'ready' })).status).toBe(200);
    const list = async (query: string) =>
      (await get(`app/queues/q/messages?state=ready${query}`)).body.items.map(({ id }: { id: string }) => id);
    expect(await list('')).toEqual(sent);
    expect(await list('&from=newest')).toEqual(sent.toReversed());
    expect(await list('&from=newest&limit=1&after=1')).toEqual([sent[1]]);
  });
});
