import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { TaskManager } from '@brokkr/core';
import type { Envelope } from '@brokkr/core/adapter';
import { expect, it } from 'vitest';

/** A task, and the envelopes that its manager publishes. */
async function publishing() {
  const published: Envelope[] = [];
  const broker = new MemoryBroker();
  const publish = broker.publish.bind(broker);
  broker.publish = (envelopes) => {
    published.push(...envelopes);
    return publish(envelopes);
  };
  const tm = TaskManager.getInstance(`ttl-${randomUUID()}`);
  await tm.initialize({ broker, logLevel: 'silent', runMode: 'producer' });
  return { tm, published, task: tm.task({ name: 'once' }, async () => undefined) };
}

it('idempotencyTtl is sent with its key, and only with one', async () => {
  const { tm, published, task } = await publishing();
  const hourly = task.with({ idempotencyTtl: '1h' });
  await hourly.with({ idempotencyKey: 'a' }).send();
  await hourly.send();
  await task.with({ idempotencyKey: 'b' }).send();
  expect(published.map(({ idempotencyKey, idempotencyTtlMs }) => [idempotencyKey, idempotencyTtlMs])).toEqual([
    ['once/a', 3_600_000],
    [undefined, undefined],
    ['once/b', undefined],
  ]);
  await tm.close();
});

it('the handle of a duplicate reports that nothing was stored', async () => {
  const { tm, task } = await publishing();
  const once = task.with({ idempotencyKey: 'a' });
  const first = await once.send();
  const second = await once.send();
  expect([first.isNew, second.isNew]).toEqual([true, false]);
  expect(second.id).toBe(first.id);
  await tm.close();
});

it.each([0, '0s', 'soon', -1, null])('refuses idempotencyTtl: %j', async (idempotencyTtl) => {
  const { tm, task } = await publishing();
  expect(() => task.with({ idempotencyTtl: idempotencyTtl as never })).toThrow(/^task \S+: idempotencyTtl/);
  await tm.close();
});
