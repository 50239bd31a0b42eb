import {
  type Acquired,
  type AcquireOptions,
  type Called,
  type Clock,
  type LimitDemand,
  LIMIT_LIFE_MS,
  type LimitLine,
  type LimitRule,
  type LimitStore,
  type LimitUsage,
  MOST_CALLED,
  MOST_WAITING_KEYS,
  PAGE_LIMIT,
  type Permit,
  type PermitRequest,
  type Refusal,
  type ReleasedPermit,
  SLOT_LOOK_MS,
  type Waiter,
} from '@brokkr/core/adapter';
import { KeyClock } from './key-clock.ts';
import { LapseTimer } from './lapse-timer.ts';
import { RateLine } from './rate-line.ts';
import { SlotLine } from './slot-line.ts';

/** One key of a limit. */
interface LimitKey {
  readonly limit: string;
  readonly key: string;
  readonly clock: KeyClock;
  readonly slots: SlotLine;
  readonly rate: RateLine;
  /** Slots by the rule that was asked for last. */
  size: number;
  usedAt: number;
}

type RateRule = LimitRule & { readonly kind: 'rate' };
type SlotRule = LimitRule & { readonly kind: 'concurrency' };

/** Unused keys are removed once in this many calls. */
const SWEEP_EVERY = 1_024;
/** The shortest wait, in milliseconds: below that two instants are the same. */
const SHORTEST_MS = 0.001;

/** The permits of all brokers on one memory server, by its clock. */
export class MemoryLimits implements LimitStore {
  readonly #clock: Clock;
  /** In the order of their last use. */
  readonly #keys = new Map<string, LimitKey>();
  readonly #lapses: LapseTimer;
  #calls = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lapses = new LapseTimer(clock);
  }

  /** Ends no permit from now on. */
  close(): void {
    this.#lapses.close();
  }

  async acquire(
    requests: readonly PermitRequest[],
    { leaseMs, promotes, returned = [] }: AcquireOptions,
  ): Promise<Acquired> {
    const now = this.#clock.monotonic();
    if (++this.#calls % SWEEP_EVERY === 0) this.#sweep(now);
    const asked = this.#free(returned, now);
    const refusals = requests.map((request) => {
      const keys = request.demands.map((demand) => this.#used(demand, now));
      for (const key of keys) asked.add(key);
      return answer(request, keys, now, leaseMs, promotes);
    });
    for (const { slots } of asked) this.#lapses.granted(slots, now + leaseMs);
    return { refusals, next: promotes ? nextOf(asked, now) : [] };
  }

  async renew(permits: readonly Permit[], leaseMs: number): Promise<void> {
    const now = this.#clock.monotonic();
    for (const { limit, key, token } of permits) {
      this.#keys.get(nameOf(limit, key))?.slots.renew(token, now + leaseMs);
    }
  }

  async release(
    permits: readonly ReleasedPermit[],
    { promotes }: { readonly promotes: boolean },
  ): Promise<readonly Waiter[]> {
    const now = this.#clock.monotonic();
    const freed = this.#free(permits, now);
    return promotes ? nextOf(freed, now) : [];
  }

  /** @returns the keys of the permits */
  #free(permits: readonly ReleasedPermit[], now: number): Set<LimitKey> {
    const freed = new Set<LimitKey>();
    for (const { limit, key, token, slots, ranMs } of permits) {
      const known = this.#keys.get(nameOf(limit, key));
      if (known === undefined) continue;
      known.slots.release(token, ranMs);
      this.#lapses.freed(known.slots);
      known.size = slots;
      known.slots.sweep(now);
      freed.add(known);
    }
    return freed;
  }

  async call(lines: readonly LimitLine[]): Promise<Called> {
    const now = this.#clock.monotonic();
    const next: Waiter[] = [];
    const againMs = lines.map((line) => {
      const known = this.#keys.get(nameOf(line.limit, line.key));
      if (known === undefined) return undefined;
      const { rule } = line;
      return rule.kind === 'rate'
        ? callByRate(known, { ...line, rule }, now, next)
        : callBySlots(known, { ...line, rule }, now, next);
    });
    return { next, againMs };
  }

  async waiting(): Promise<readonly Pick<LimitDemand, 'limit' | 'key'>[]> {
    const waiting: Pick<LimitDemand, 'limit' | 'key'>[] = [];
    for (const { limit, key, slots, rate } of this.#keys.values()) {
      if (slots.waiting + rate.waiting > 0) waiting.push({ limit, key });
      if (waiting.length >= MOST_WAITING_KEYS) break;
    }
    return waiting;
  }

  async hold(limit: string, key: string, ms: number): Promise<void> {
    const now = this.#clock.monotonic();
    this.#used({ limit, key }, now).clock.stop(now, ms);
  }

  async usage(): Promise<readonly LimitUsage[]> {
    const now = this.#clock.monotonic();
    const last = [...this.#keys.values()].slice(-PAGE_LIMIT).reverse();
    return last.map(({ limit, key, slots, rate, clock }) => {
      slots.sweep(now);
      rate.sweep(clock.at(now), true);
      return {
        limit,
        key,
        held: slots.held,
        waiting: slots.waiting + rate.waiting,
        pausedMs: Math.ceil(clock.stoppedMs(now)),
      };
    });
  }

  async reschedule(limit: string, rule?: LimitRule): Promise<readonly Waiter[]> {
    const now = this.#clock.monotonic();
    const taken: Waiter[] = [];
    for (const key of this.#keys.values()) {
      if (key.limit !== limit) continue;
      if (rule?.kind === 'rate') key.rate.owesAtMost(rule, key.clock.at(now));
      taken.push(...key.rate.reschedule(PAGE_LIMIT - taken.length));
    }
    return taken;
  }

  #used({ limit, key }: Pick<LimitDemand, 'limit' | 'key'>, now: number): LimitKey {
    const name = nameOf(limit, key);
    const known = this.#keys.get(name) ?? {
      limit,
      key,
      clock: new KeyClock(),
      slots: new SlotLine(),
      rate: new RateLine(),
      size: 1,
      usedAt: now,
    };
    known.usedAt = now;
    this.#keys.delete(name);
    this.#keys.set(name, known);
    return known;
  }

  #sweep(now: number): void {
    for (const [name, { usedAt, clock, slots, rate }] of this.#keys) {
      if (usedAt > now - LIMIT_LIFE_MS) return;
      slots.sweep(now);
      rate.sweep(clock.at(now), true);
      const isIdle = slots.held + slots.waiting === 0 && clock.stoppedMs(now) === 0 && rate.isIdle(clock.at(now));
      if (isIdle) this.#keys.delete(name);
    }
  }
}

/** Grants all that a message needs, or refuses it by the first limit that has nothing for it. */
function answer(
  { token, queue, id, demands }: PermitRequest,
  keys: readonly LimitKey[],
  now: number,
  leaseMs: number,
  promotes: boolean,
): Refusal | undefined {
  const waiter = { queue, id };
  const place = placeOf(waiter);
  for (const [index, { limit, rule }] of demands.entries()) {
    const { clock, slots, rate } = keys[index] as LimitKey;
    const stoppedMs = clock.stoppedMs(now);
    let waitMs: number;
    if (rule.kind === 'concurrency') {
      (keys[index] as LimitKey).size = rule.slots;
      slots.sweep(now);
      if (slots.holds(token)) continue;
      waitMs = slots.ask(place, waiter, rule.slots, now, stoppedMs, promotes);
    } else {
      const at = clock.at(now);
      rate.sweep(at, promotes);
      const againAt = rate.ask(place, waiter, rule, at, stoppedMs > 0, promotes);
      waitMs = againAt === undefined ? 0 : Math.max(SHORTEST_MS, clock.msUntil(againAt, now));
    }
    if (waitMs === 0 && stoppedMs === 0) continue;
    for (const [at, other] of keys.entries()) {
      const asked = (demands[at] as LimitDemand).rule;
      if (at === index) continue;
      // It cannot use a start of another rate for which it was called.
      if (asked.kind === 'rate') other.rate.passOn(place, asked);
      if (at > index) continue;
      if (asked.kind === 'rate') other.rate.passed(place, waiter, other.clock.at(now));
      else other.slots.giveUp(place, token);
    }
    return { waitMs: Math.max(waitMs, stoppedMs), limit };
  }
  for (const [index, { rule }] of demands.entries()) {
    const { clock, slots, rate } = keys[index] as LimitKey;
    if (rule.kind === 'concurrency') slots.take(place, token, now + leaseMs);
    else rate.start(place, rule, clock.at(now));
  }
  return undefined;
}

/** @returns after how many milliseconds to call again */
function callBySlots(
  known: LimitKey,
  { rule, gone = [], isNewRule = false }: LimitLine & { readonly rule: SlotRule },
  now: number,
  next: Waiter[],
): number | undefined {
  const { slots, rate } = known;
  if (isNewRule) next.push(...rate.reschedule(MOST_CALLED));
  for (const waiter of gone) slots.leave(placeOf(waiter));
  known.size = rule.slots;
  slots.sweep(now);
  next.push(...nextOf([known], now));
  return slots.waiting > 0 ? SLOT_LOOK_MS : undefined;
}

/** @returns after how many milliseconds to call again */
function callByRate(
  { clock, rate, slots }: LimitKey,
  { rule, gone = [], isNewRule = false }: LimitLine & { readonly rule: RateRule },
  now: number,
  next: Waiter[],
): number | undefined {
  const at = clock.at(now);
  rate.sweep(at, true);
  for (const waiter of gone) rate.leave(placeOf(waiter), rule);
  if (isNewRule) {
    next.push(...slots.takeWaiting(MOST_CALLED));
    rate.owesAtMost(rule, at);
  }
  const named = clock.stoppedMs(now) > 0 ? [] : rate.call(rule, at);
  next.push(...named);
  const againAt = rate.callAgainAt(rule, at, named.length);
  return againAt === undefined ? undefined : Math.max(SHORTEST_MS, clock.msUntil(againAt, now), clock.stoppedMs(now));
}

function nextOf(keys: Iterable<LimitKey>, now: number): readonly Waiter[] {
  return [...keys].flatMap(({ slots, size, clock }) => (clock.stoppedMs(now) > 0 ? [] : slots.next(size, now)));
}

/** The name of a queue has no space. */
function placeOf({ queue, id }: Waiter): string {
  return `${queue} ${id}`;
}

/** A limit's name has no space. */
function nameOf(limit: string, key: string): string {
  return `${limit} ${key}`;
}
