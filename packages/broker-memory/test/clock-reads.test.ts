import { systemClock } from '@brokkr/core/adapter';
import { expect, test } from 'vitest';
import { MemoryBroker } from '../src/memory-broker.ts';

test('stores a message without a delay without a look at the clock, which would slow down every send', async () => {
  let looks = 0;
  const counted = (time: () => number) => () => {
    looks++;
    return time();
  };
  const { now, monotonic } = systemClock;
  const broker = new MemoryBroker({ clock: { ...systemClock, now: counted(now), monotonic: counted(monotonic) } });
  const message = (id: string) => ({ id, queue: 'mails', headers: {}, body: Buffer.from('[]') });
  await broker.publish([message('a'), message('b')]);
  expect(looks).toBe(0);

  await broker.publish([{ ...message('c'), notBefore: Date.now() + 60_000 }]);
  expect(looks).toBeGreaterThan(0);
  await broker.close();
});
