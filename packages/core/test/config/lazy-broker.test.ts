import { describe, expect, it } from 'vitest';
import { LazyBroker } from '../../src/config/lazy-broker.ts';
import type { Broker } from '../../src/index.ts';

/** Loads at the second try, and counts the tries. */
function installedLater() {
  const loaded = { close: async () => undefined } as Broker;
  let loads = 0;
  const broker = new LazyBroker(async () => {
    if (++loads === 1) throw new Error('not installed');
    return loaded;
  });
  return { broker, loaded, loads: () => loads };
}

describe('a broker whose adapter cannot be loaded', () => {
  it('rejects all waiting calls, and tries again at the next call', async () => {
    const { broker, loaded, loads } = installedLater();
    const both = await Promise.allSettled([broker.load(), broker.load()]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(loads()).toBe(1);
    expect(await broker.load()).toBe(loaded);
    expect(await broker.load()).toBe(loaded);
    expect(loads()).toBe(2);
  });

  it('closes without loading the adapter again', async () => {
    const { broker, loads } = installedLater();
    await expect(broker.load()).rejects.toThrow('not installed');
    await broker.close();
    await expect(broker.load()).rejects.toMatchObject({ code: 'BROKER_CLOSED' });
    expect(loads()).toBe(1);
  });
});
