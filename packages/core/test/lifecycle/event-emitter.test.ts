import { expect, it } from 'vitest';
import { EventEmitter } from '../../src/lifecycle/event-emitter.ts';

it('a listener that rejects is reported as one that throws, and the others are called', async () => {
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
