import { randomUUID } from 'node:crypto';
import { TaskManager } from '@brokkr/core';
import type { BrokerCapabilities } from '@brokkr/core/adapter';
import { afterEach, describe, expect, it } from 'vitest';
import { MemoryBroker } from '@brokkr/broker-memory';

const managers: TaskManager[] = [];
afterEach(async () => {
  for (const manager of managers.splice(0)) await manager.close();
});

/** A manager that has opened its broker, which lacks some capabilities: later tasks are checked one by one. */
async function managerOn(lacks: Partial<BrokerCapabilities>, keepsResults = true) {
  const broker = new MemoryBroker();
  Object.defineProperty(broker, 'capabilities', { value: { ...broker.capabilities, ...lacks } });
  if (!keepsResults) Object.defineProperty(broker, 'results', { value: undefined });
  const tm = await TaskManager.getInstance(`can-${randomUUID()}`).initialize({ broker, logLevel: 'silent' });
  managers.push(tm);
  await tm.broker();
  return { tm, broker };
}

describe('a message that no worker on this broker would start is refused when it is sent', () => {
  it('of a task that retries, if the broker cannot delay: by its own number, the default, or that of the send', async () => {
    const { tm, broker } = await managerOn({ maxDelayMs: 0 });
    const refused = { name: 'UnsupportedFeatureError', code: 'DELAY_UNSUPPORTED' };
    const once = tm.task({ name: 'once', maxRetries: 0 }, async () => undefined);
    const usual = tm.task({ name: 'usual' }, async () => undefined);
    const own = tm.task({ name: 'own', maxRetries: 2 }, async () => undefined);
    for (const send of [usual.send, own.send, once.with({ maxRetries: 1 }).send]) {
      await expect(send()).rejects.toMatchObject(refused);
    }
    await expect(own.sendMany([[]])).rejects.toMatchObject(refused);
    await once.send();
    await usual.with({ maxRetries: 0 }).send();
    expect(await broker.inspector.counts('default')).toMatchObject({ published: 2 });
  });

  it('of a task that keeps its result, if no store keeps results', async () => {
    const { tm, broker } = await managerOn({}, false);
    const kept = tm.task({ name: 'kept', result: '1h' }, async () => 1);
    const plain = tm.task({ name: 'plain' }, async () => 1);
    await expect(kept.send()).rejects.toMatchObject({ code: 'RESULT_STORE_MISSING' });
    await plain.send();
    expect(await broker.inspector.counts('default')).toMatchObject({ published: 1 });
  });

  it('of a task that may run for longer than a consumer may hold a message', async () => {
    const { tm } = await managerOn({ timeoutLimit: { ms: 60_000, setting: 'some setting allows' } });
    const long = tm.task({ name: 'long', timeout: '2m' }, async () => undefined);
    await expect(long.send()).rejects.toMatchObject({ code: 'TIMEOUT_OVER_LIMIT' });
    await expect(long.with({ timeout: '30s' }).send()).resolves.toMatchObject({ isNew: true });
  });
});
