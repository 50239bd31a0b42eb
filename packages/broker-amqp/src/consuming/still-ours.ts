import type { Arrival } from './leased-arrivals.ts';

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
