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
  type ReleasedPermit,
  SLOT_LOOK_MS,
  type Waiter,
} from '@brokkr/core/adapter';
import { answer } from './answer.ts';
import { KeyClock } from './key-clock.ts';
import { LapseTimer } from './lapse-timer.ts';
import { RateLine } from './rate-line.ts';
import { type LimitKey, nextOf, placeOf, SHORTEST_MS } from './limit-key.ts';
import { type Requester, SlotLine } from './slot-line.ts';

type RateRule = LimitRule & { readonly kind: 'rate' };
type SlotRule = LimitRule & { readonly kind: 'concurrency' };

/** Unused keys are removed once in this many calls. */
const SWEEP_EVERY = 1_024;

/** The permits of all brokers on one memory server, by its clock. */
export class MemoryLimits implements LimitStore {
  readonly #clock: Clock;
  /** In the order of their last use. */
  readonly #keys = new Map<string, LimitKey>();
  readonly #lapses: LapseTimer;
  #calls = 0;
  #tickets = 0;

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
      for (const key of keys) {
        if (!asked.has(key)) key.slots.sweep(now);
        asked.add(key);
      }
      return answer(request, this.#requesterOf(request, keys), keys, now, leaseMs, promotes);
    });
    for (const { slots } of asked) this.#lapses.granted(slots, Math.min(now + leaseMs, slots.keptUntil));
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

  /** A message waits for one limit at a time, and takes its ticket from line to line. */
  #requesterOf({ queue, id }: PermitRequest, keys: readonly LimitKey[]): Requester {
    const waiter = { queue, id };
    const place = placeOf(waiter);
    let ticket: number | undefined;
    for (const { slots } of keys) ticket ??= slots.ticketOf(place);
    return { place, waiter, ticket: ticket ?? ++this.#tickets };
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
  { rule, gone = [], isNewRule = false, isEarly = false }: LimitLine & { readonly rule: RateRule },
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
  const againAt = rate.callAgainAt(rule, at, named.length, isEarly);
  return againAt === undefined ? undefined : Math.max(SHORTEST_MS, clock.msUntil(againAt, now), clock.stoppedMs(now));
}

/** A limit's name has no space. */
function nameOf(limit: string, key: string): string {
  return `${limit} ${key}`;
}
