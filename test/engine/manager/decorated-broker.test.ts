import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { type Broker, TaskManager } from '@brokkr/core';
import { afterEach, describe, expect, it } from 'vitest';

const managers: TaskManager[] = [];
afterEach(async () => {
  for (const manager of managers.splice(0)) await manager.close();
});

/** A typical decorator: a class that forwards the methods and the parts of a broker. */
class Forwarding implements Broker {
  readonly capabilities;
  readonly messages;
  readonly inspector;
  readonly #inner: Broker;

  constructor(inner: Broker) {
    this.#inner = inner;
    this.capabilities = inner.capabilities;
    this.messages = inner.messages;
    this.inspector = inner.inspector;
  }

  publish(...args: Parameters<Broker['publish']>): ReturnType<Broker['publish']> {
    return this.#inner.publish(...args);
  }

  subscribe(...args: Parameters<Broker['subscribe']>): ReturnType<Broker['subscribe']> {
    return this.#inner.subscribe(...args);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

function spread(broker: Broker): Broker {
  return {
    ...broker,
    publish: (envelopes) => broker.publish(envelopes),
    subscribe: (queue, options) => broker.subscribe(queue, options),
    close: () => broker.close(),
  };
}

async function managerOn(broker: Broker): Promise<TaskManager> {
  const tm = await TaskManager.getInstance(`decorated-${randomUUID()}`).initialize({ broker, logLevel: 'silent' });
  managers.push(tm);
  return tm;
}

describe('a decorated broker', () => {
  it.each([
    ['written as { ...broker, publish }', spread],
    ['written as a class that forwards the parts', (broker: Broker) => new Forwarding(broker)],
  ])('%s cancels messages as before', async (_, decorate) => {
    const tm = await managerOn(decorate(new MemoryBroker()));
    const handle = await tm
      .task({ name: 't' }, async () => 1)
      .with({ delay: '1h' })
      .send();
    expect(await handle.cancel()).toBe(true);
    expect(await (await tm.broker()).inspector?.counts('default')).toMatchObject({ cancelled: 1, delayed: 0 });
  });

  it('that lacks the parts is refused at the first send, because it still declares exact counts', async () => {
    const { capabilities, ...inner } = new MemoryBroker();
    const bare = { capabilities, ...inner, inspector: undefined } as unknown as Broker;
    const tm = await managerOn({
      ...bare,
      publish: async () => [],
      subscribe: async () => Promise.reject(new Error('not needed')),
      close: async () => undefined,
    });
    await expect(tm.task({ name: 't' }, async () => 1).send()).rejects.toMatchObject({
      code: 'BROKER_INVALID',
      message: /counts.*inspector/,
    });
  });
});
