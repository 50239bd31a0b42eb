import { randomUUID } from 'node:crypto';
import type { StateStore } from '@brokkr/core/adapter';
import type { OpenedBroker } from './open-broker.ts';

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
export async function isOnePlace(one: OpenedBroker, other: OpenedBroker): Promise<boolean> {
  const [here, there] = [one.broker.states, other.broker.states];
  return here !== undefined && there !== undefined ? shareState(here, there) : shareQueues(one, other);
}

async function shareState(one: StateStore, other: StateStore): Promise<boolean> {
  const key = `move:${randomUUID()}`;
  await other.set(key, 'probe');
  try {
    return (await one.get(key)) !== undefined;
  } finally {
    await other.set(key, undefined);
  }
}

/** All moves use one queue, because a broker remembers every queue. So another move may remove the message. */
async function shareQueues(one: OpenedBroker, other: OpenedBroker): Promise<boolean> {
  const id = randomUUID();
  const shows = async ({ adapter, inspector }: OpenedBroker) =>
    (await adapter.firstMessages(inspector, PROBE_QUEUE, 'ready', PROBES)).some((envelope) => envelope.id === id);
  await other.broker.publish([{ id, queue: PROBE_QUEUE, body: new Uint8Array(), headers: {} }]);
  try {
    if (await shows(one)) return true;
    if (await shows(other)) return false;
  } finally {
    await other.inspector.purge(PROBE_QUEUE);
  }
  throw new Error(
    `another move removed the message in ${PROBE_QUEUE} that compares the brokers; nothing was moved, try again`,
  );
}
