import { describe, expect, it } from 'vitest';
import { EventEmitter } from '../../src/worker/event-emitter.ts';

interface Events {
  rang: [times: number];
}

function emitter() {
  const reported: string[] = [];
  const events = new EventEmitter<Events>((event, error) =>
    reported.push(`${event}: ${error instanceof Error ? error.message : String(error)}`),
  );
  return { events, reported };
}

describe('a listener of once', () => {
  it('is called once, then removed', () => {
    const { events } = emitter();
    const heard: number[] = [];
    events.once('rang', (times) => heard.push(times));
    events.emit('rang', 1);
    events.emit('rang', 2);
    expect(heard).toEqual([1]);
    expect(events.has('rang')).toBe(false);
  });

  it('is removed by `off` with the given function, as one of `on` is', () => {
    const { events } = emitter();
    const heard: number[] = [];
    const listener = (times: number) => void heard.push(times);
    events.once('rang', listener);
    events.on('rang', listener);
    events.off('rang', listener);
    events.emit('rang', 1);
    expect(heard).toEqual([]);
    expect(events.has('rang')).toBe(false);
  });

  it('that throws or rejects is reported, and the other listeners are called', async () => {
    const { events, reported } = emitter();
    const heard: number[] = [];
    events.once('rang', () => {
      throw new Error('thrown');
    });
    const rejecting: () => unknown = async () => {
      throw new Error('rejected');
    };
    events.once('rang', rejecting);
    events.on('rang', (times) => heard.push(times));
    events.emit('rang', 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(reported).toEqual(['rang: thrown', 'rang: rejected']);
    expect(heard).toEqual([1]);
  });
});

it('a listener that rejects is reported like one that throws, and the others are called', async () => {
  const heard: string[] = [];
  const reported: string[] = [];
  await new Promise<void>((resolve) => {
    const events = new EventEmitter<{ sent: [id: string] }>((event, error) => {
      reported.push(`${event}: ${(error as Error).message}`);
      if (reported.length === 2) resolve();
    });
    events.on('sent', () => Promise.reject(new Error('rejected')) as never);
    events.on('sent', () => {
      throw new Error('thrown');
    });
    events.on('sent', (id) => heard.push(id));
    events.emit('sent', 'a');
  });
  expect(heard).toEqual(['a']);
  expect(reported).toEqual(['sent: thrown', 'sent: rejected']);
});
