import type { Delivery } from '@brokkr/core/adapter';
import type { Arrival, LeasedArrivals } from './leased-arrivals.ts';

/**
 * Returns the arrivals whose session answers. If a handler has blocked the thread, the server may have closed the
 * connection and delivered the messages again, and this process has not noticed it yet. A copy would then be a second
 * message.
 */
export async function stillOurs<A extends Arrival>(arrivals: readonly A[]): Promise<readonly A[]> {
  const sessions = new Set(arrivals.map(({ session }) => session).filter(({ isOpen }) => isOpen));
  await Promise.all([...sessions].map((session) => session.roundTrip().catch(() => undefined)));
  return arrivals.filter(({ session }) => session.isOpen);
}

/** Asks the sessions of `deliveries` whether they live. After this, `leases.live` knows those that the server has closed. */
export async function askSessions(leases: LeasedArrivals, deliveries: readonly Delivery[]): Promise<void> {
  const now = leases.now();
  const held = deliveries.map((delivery) => leases.live(delivery, now));
  await stillOurs(held.filter((one) => one !== undefined));
}
