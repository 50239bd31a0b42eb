import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery, Settlement, Subscription } from '@brokkr/core/adapter';
import { change, list, type MessageFile, read, remove, store } from './message-file.ts';

/** A folder does not report the end of a delay or a lease, so it is read this often. */
const LOOK_EVERY_MS = 20;

export function filesSubscription(folder: string, leaseMs: number, worker: string, ended: AbortSignal): Subscription {
  const held = new WeakMap<Delivery, MessageFile>();
  let closed = false;

  async function claim(limit: number): Promise<Delivery[]> {
    const deliveries: Delivery[] = [];
    for (const file of await list(folder, 'live')) {
      if (deliveries.length === limit) break;
      const now = Date.now();
      if (file.visibleAt > now) continue;
      // If the name contains a worker, that worker let its lease expire.
      const crashes = file.crashes + (file.worker === '' ? 0 : 1);
      const mine = await change(file, { visibleAt: now + leaseMs, fence: file.fence + 1, crashes, worker });
      const envelope = mine && (await read(mine));
      if (mine === undefined || envelope === undefined) continue;
      const delivery = { envelope, fence: mine.fence, crashes };
      held.set(delivery, mine);
      deliveries.push(delivery);
    }
    return deliveries;
  }

  /** One rename: it fails if the lease was lost. */
  async function renew(delivery: Delivery): Promise<MessageFile | undefined> {
    const file = held.get(delivery);
    held.delete(delivery);
    if (file === undefined || file.visibleAt <= Date.now()) return undefined;
    const renewed = await change(file, { visibleAt: Date.now() + leaseMs });
    if (renewed !== undefined) held.set(delivery, renewed);
    return renewed;
  }

  /**
   * Renews the lease first: that proves that it is live, and gives time to store the replacement and remove the
   * message.
   */
  async function end(settlement: Settlement): Promise<MessageFile | undefined> {
    const file = await renew(settlement.delivery);
    if (file === undefined) return undefined;
    held.delete(settlement.delivery);
    if (settlement.kind === 'release') return change(file, { visibleAt: 0, worker: '' });
    if (settlement.kind === 'retry') await store(settlement.replacement, file);
    if (settlement.kind === 'dead-letter') await store(settlement.replacement, { ...file, place: 'dead' });
    return remove(file);
  }

  return {
    async receive(limit, { signal, wait }) {
      for (; !signal.aborted && !ended.aborted && !closed; await sleep(LOOK_EVERY_MS)) {
        const deliveries = await claim(limit);
        if (deliveries.length > 0 || !wait) return deliveries;
      }
      return [];
    },
    async settle(settlements) {
      const effects = await Promise.all(settlements.map(end));
      return settlements.filter((_, index) => effects[index] === undefined).map(({ delivery }) => delivery);
    },
    async extend(deliveries) {
      const renewed = await Promise.all(deliveries.map(renew));
      return deliveries.filter((_, index) => renewed[index] === undefined);
    },
    async close() {
      closed = true;
    },
  };
}
