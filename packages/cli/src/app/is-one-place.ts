import { randomUUID } from 'node:crypto';
import type { InspectableBroker, StateStore } from '@brokkr/core';
import type { Core } from './load-core.ts';

/** Where brokers are told apart that keep no state. It stays, empty. */
export const PROBE_QUEUE = 'brokkr-move-probe';
/** More than there are moves to one broker at once. */
const PROBES = 100;

/**
 * Whether two brokers keep their messages in one place, however their URLs spell it: what is left through one is looked
 * for through the other, and taken away again.
 * @throws Error where that cannot be told, since somebody else took it away
 */
export async function isOnePlace(core: Core, one: InspectableBroker, other: InspectableBroker): Promise<boolean> {
  return core.isStateStore(one) && core.isStateStore(other) ? shareState(one, other) : shareQueues(one, other);
}

async function shareState(one: StateStore, other: StateStore): Promise<boolean> {
  const key = `move:${randomUUID()}`;
  await other.setState(key, 'probe');
  try {
    return (await one.getState(key)) !== undefined;
  } finally {
    await other.setState(key, undefined);
  }
}

/** One queue for all, since a broker remembers each that there was; so another move may take away what was left in it. */
async function shareQueues(one: InspectableBroker, other: InspectableBroker): Promise<boolean> {
  const id = randomUUID();
  const shows = async (broker: InspectableBroker) =>
    (await broker.peek(PROBE_QUEUE, 'ready', PROBES)).some((envelope) => envelope.id === id);
  await other.publish([{ id, queue: PROBE_QUEUE, body: new Uint8Array(), headers: {} }]);
  try {
    if (await shows(one)) return true;
    if (await shows(other)) return false;
  } finally {
    await other.purge(PROBE_QUEUE);
  }
  throw new Error(`another move took away what was left in ${PROBE_QUEUE}; nothing was moved, try again`);
}
