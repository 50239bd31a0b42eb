import { randomUUID } from 'node:crypto';
import type { MemoryBroker } from '@brokkr/broker-memory';
import { type ManagerOptions, TaskManager } from '@brokkr/core';
import type { Broker, LimitStore } from '@brokkr/core/adapter';

/** Closed by `closeManagers`. */
export const managers: TaskManager[] = [];

export async function closeManagers(): Promise<void> {
  for (const manager of managers.splice(0)) await manager.close();
}

/** A manager on a memory broker of which parts are replaced. */
export async function managerOn(
  broker: MemoryBroker,
  parts: Partial<Broker>,
  options: ManagerOptions = {},
): Promise<TaskManager> {
  const tm = TaskManager.getInstance(`permits-${randomUUID()}`);
  managers.push(tm);
  await tm.initialize({
    broker: {
      ...broker,
      publish: broker.publish.bind(broker),
      subscribe: broker.subscribe.bind(broker),
      close: broker.close.bind(broker),
      ...parts,
    },
    logLevel: 'silent',
    ...options,
  });
  return tm;
}

/** The limits of a broker, of which some methods are replaced. */
export function limitsOf({ limits }: MemoryBroker, replaced: (store: LimitStore) => Partial<LimitStore>): LimitStore {
  const store: LimitStore = {
    acquire: (...args) => limits.acquire(...args),
    renew: (...args) => limits.renew(...args),
    release: (...args) => limits.release(...args),
    call: (...args) => limits.call(...args),
    hold: (...args) => limits.hold(...args),
    usage: () => limits.usage(),
    waiting: (...args) => limits.waiting(...args),
    reschedule: (...args) => limits.reschedule(...args),
  };
  return { ...store, ...replaced(store) };
}
