import { systemClock } from '@brokkr/core/adapter';
import { expect, test } from 'vitest';
import { MemoryBroker } from '../src/memory-broker.ts';

test('stores a message without a delay without a look at the clock, which would slow down every send', async () => {
  let looks = 0;
  const now = () => {
    looks++;
    return Date.now();
  };
  const broker = new MemoryBroker({ clock: { ...systemClock, now } });
  const message = (id: string) => ({ id, queue: 'mails', headers: {}, body: Buffer.from('[]') });
  await broker.publish([message('a'), message('b')]);
  expect(looks).toBe(0);

  await broker.publish([{ ...message('c'), notBefore: Date.now() + 60_000 }]);
  expect(looks).toBe(1);
  await broker.close();
});
