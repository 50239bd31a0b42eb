import { randomUUID } from 'node:crypto';
import type { StateStore } from '@brokkr/core/adapter';
import type { OpenedBroker } from './open-broker.ts';

/** Where brokers are told apart that keep no state. It stays, empty. */
export const PROBE_QUEUE = 'brokkr-move-probe';
/** More than there are moves to one broker at once. */
const PROBES = 100;

/**
 * Whether two brokers keep their messages in one place, however their URLs spell it: what is left through one is looked
 * for through the other, and taken away again.
 * @throws Error where that cannot be told, since somebody else took it away
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

/** One queue for all, since a broker remembers each that there was; so another move may take away what was left in it. */
async function shareQueues(one: OpenedBroker, other: OpenedBroker): Promise<boolean> {
  const id = randomUUID();
  const shows = async ({ inspector }: OpenedBroker) =>
    (await inspector.peek(PROBE_QUEUE, 'ready', PROBES)).some((envelope) => envelope.id === id);
  await other.broker.publish([{ id, queue: PROBE_QUEUE, body: new Uint8Array(), headers: {} }]);
  try {
    if (await shows(one)) return true;
    if (await shows(other)) return false;
  } finally {
    await other.inspector.purge(PROBE_QUEUE);
  }
  throw new Error(`another move took away what was left in ${PROBE_QUEUE}; nothing was moved, try again`);
}
