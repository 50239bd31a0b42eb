import { describe, expect, it, onTestFinished } from 'vitest';
import { EventStream, frame } from '../src/http/event-stream.ts';
import { managerOf, mount } from './mounted.ts';

// biome-ignore lint/suspicious/noExplicitAny: each test reads the fields of its events.
type Event = any;

/** Reads the events of a stream until one fits. */
async function reader(response: Response) {
  const body = response.body as ReadableStream<Uint8Array>;
  const stream = body.pipeThrough(new TextDecoderStream()).getReader();
  onTestFinished(() => stream.cancel());
  let text = '';
  return async (fits: (event: Event) => boolean): Promise<Event> => {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end < 0) {
        const { value, done } = await stream.read();
        if (done) throw new Error('the stream has ended');
        text += value;
        continue;
      }
      const block = text.slice(0, end);
      text = text.slice(end + 2);
      if (!block.startsWith('data: ')) continue;
      const event = JSON.parse(block.slice('data: '.length));
      if (fits(event)) return event;
    }
  };
}

describe('live events', () => {
  it('send everything first, then the rows that changed', async () => {
    const tm = await managerOf();
    const a = tm.task({ name: 'a', queueName: 'qa' }, async () => undefined);
    await a.send();
    await tm.task({ name: 'b', queueName: 'qb' }, async () => undefined).send();
    const { request, post } = mount(tm);
    const response = await request('live?topics=queues,overview,queue:qa,bulk');
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    expect(response.headers.get('cache-control')).toContain('no-transform');
    const next = await reader(response);
    expect(await next(({ topic }) => topic === 'bulk')).toMatchObject({ whole: true, items: [] });
    const whole = await next(({ topic }) => topic === 'queues');
    expect(whole).toMatchObject({ whole: true, gone: [] });
    expect(whole.items.map(({ name }: { name: string }) => name)).toEqual(['qa', 'qb']);
    expect(await next(({ topic }) => topic === 'queue:qa')).toMatchObject({
      value: { name: 'qa', counts: { ready: 1 } },
    });
    await post('app/queues/qa/pause');
    const changed = await next(({ topic, items }) => topic === 'queues' && items.some((row: Event) => row.paused));
    expect(changed).toMatchObject({ whole: false });
    expect(changed.items.find(({ name }: { name: string }) => name === 'qa')).toMatchObject({ paused: true });
  }, 30_000);

  it('of one sample are written once, however many pages are open', async () => {
    const tm = await managerOf();
    await tm.task({ name: 'a', queueName: 'qa' }, async () => undefined).send();
    const broker = await tm.broker();
    let counted = 0;
    const { inspector } = broker;
    if (inspector === undefined) throw new Error('no inspector');
    const countsOf = inspector.countsOf.bind(inspector);
    Object.defineProperty(inspector, 'countsOf', {
      value: (queues: string[]) => {
        counted++;
        return countsOf(queues);
      },
    });
    const { request, get } = mount(tm);
    const pages = await Promise.all(Array.from({ length: 20 }, () => request('live?topics=overview,queues')));
    for (const page of pages) expect(await (await reader(page))(({ topic }) => topic === 'queues')).toBeDefined();
    await Promise.all(Array.from({ length: 20 }, () => get('app/queues')));
    expect(counted).toBe(1);
  });

  it('end with the dashboard', async () => {
    const tm = await managerOf();
    const { request, dashboard } = mount(tm);
    const response = await request('live');
    await dashboard.close();
    await expect(response.text()).resolves.toContain(': live');
  });
});

it('an event is one line of data, with a blank line after it', () => {
  expect(frame('{"a":"x\\ny"}')).toBe('data: {"a":"x\\ny"}\n\n');
});

it('a client that reads too slowly is cut off', async () => {
  let ended = 0;
  const stream = new EventStream(() => ended++);
  const text = frame('x'.repeat(100_000));
  for (let sent = 0; sent < 20; sent++) stream.send(text);
  expect(ended).toBe(1);
  await expect(stream.response.text()).rejects.toThrow();
});
