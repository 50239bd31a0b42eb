import {
  KEEP_SLOTS_MS,
  KEEP_SLOTS_OF_NEXT_MS,
  type LimitDemand,
  type PermitRequest,
  type Refusal,
  RETURN_GRACE_MS,
} from '@brokkr/core/adapter';
import { type LimitKey, SHORTEST_MS } from './limit-key.ts';
import type { Requester } from './slot-line.ts';

/** Grants all that a message needs, or refuses it by the first limit that has nothing for it. */
export function answer(
  { token, demands }: PermitRequest,
  requester: Requester,
  keys: readonly LimitKey[],
  now: number,
  leaseMs: number,
  promotes: boolean,
): Refusal | undefined {
  const { place, waiter } = requester;
  for (const [index, { limit, key, rule }] of demands.entries()) {
    const { clock, slots, rate } = keys[index] as LimitKey;
    const stoppedMs = clock.stoppedMs(now);
    let waitMs: number;
    let keepsSlots = false;
    if (rule.kind === 'concurrency') {
      (keys[index] as LimitKey).size = rule.slots;
      if (slots.holds(token) || slots.takeKept(place, rule.slots, stoppedMs)) continue;
      waitMs = slots.ask(requester, rule.slots, now, stoppedMs, promotes);
    } else {
      const at = clock.at(now);
      rate.sweep(at, promotes);
      const hadItsTurn = rate.hadItsTurn(place);
      const againAt = rate.ask(place, waiter, rule, at, stoppedMs > 0, promotes);
      waitMs = againAt === undefined ? 0 : Math.max(SHORTEST_MS, clock.msUntil(againAt, now));
      keepsSlots = hadItsTurn && waitMs <= (rate.isNext(place) ? KEEP_SLOTS_OF_NEXT_MS : KEEP_SLOTS_MS);
    }
    if (waitMs === 0 && stoppedMs === 0) continue;
    for (const [at, other] of keys.entries()) {
      const asked = (demands[at] as LimitDemand).rule;
      if (at === index) continue;
      if (asked.kind === 'rate') {
        // It cannot use a start of another rate for which it was called, unless it will be back before the next one.
        if (rule.kind === 'concurrency' || waitMs > asked.intervalMs) other.rate.passOn(place, asked);
        if (at < index) other.rate.passed(place, waiter, other.clock.at(now));
      } else if (at < index && keepsSlots) other.slots.keep(place, token, now + waitMs + RETURN_GRACE_MS);
      else other.slots.giveUp(place, token);
    }
    return { waitMs: Math.max(waitMs, stoppedMs), limit, key };
  }
  for (const [index, { rule }] of demands.entries()) {
    const { clock, slots, rate } = keys[index] as LimitKey;
    if (rule.kind === 'concurrency') slots.take(place, token, now + leaseMs);
    else rate.start(place, rule, clock.at(now));
  }
  return undefined;
}
