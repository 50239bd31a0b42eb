import { randomUUID } from 'node:crypto';
import type { InspectableBroker, StateStore } from '@brokkr/core';
import type { Core } from './load-core.ts';

/** Queue for the comparison of brokers that store no state. It remains, empty. */
export const PROBE_QUEUE = 'brokkr-move-probe';
/** More than the number of moves that run to one broker at the same time. */
const PROBES = 100;

/**
 * Whether two brokers store their messages in one place, whatever their URLs look like: a value written through one is
 * looked up through the other, and removed.
 *
 * @throws Error if another move removed the value
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

/** All moves use one queue, because a broker remembers every queue. So another move may remove the message. */
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
  throw new Error(
    `another move removed the message in ${PROBE_QUEUE} that compares the brokers; nothing was moved, try again`,
  );
}
