import type { Session } from '../connection/session.ts';
import type { Arrival } from './leased-arrivals.ts';

/** Acknowledges messages, each on the session on which it arrived. */
export function acknowledge(
  arrivals: readonly Arrival[],
  ack: (session: Session, tags: readonly number[]) => void,
): void {
  const bySession = new Map<Session, number[]>();
  for (const { session, message } of arrivals) {
    const tag = message.fields.deliveryTag;
    const tags = bySession.get(session);
    if (tags === undefined) bySession.set(session, [tag]);
    else tags.push(tag);
  }
  for (const [session, tags] of bySession) ack(session, tags);
}
