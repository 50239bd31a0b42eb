/** How a limit counts. */
export type LimitRule =
  /** At most `slots` runs at the same time: a whole number, 1 or more. */
  | { readonly kind: 'concurrency'; readonly slots: number }
  /** A start each `intervalMs` milliseconds, a fraction perhaps, and up to `burst` at once after a quiet time. */
  | { readonly kind: 'rate'; readonly intervalMs: number; readonly burst: number };

/** What a message needs of one limit. Each key of a limit counts by itself. */
export interface LimitDemand {
  /** Name of the limit: 1 to 130 characters of `A-Z a-z 0-9 . _ - :`. */
  readonly limit: string;
  /** Any text of up to 200 characters; empty for a limit without keys. */
  readonly key: string;
  readonly rule: LimitRule;
}

/** A message that asks to start. */
export interface PermitRequest {
  /**
   * Names one delivery of the message. A permit belongs to its token: a repeat with the same token takes no second
   * permit, and a late release of an earlier delivery frees nothing of this one.
   */
  readonly token: string;
  readonly queue: string;
  readonly id: string;
  /** All of them must be granted. Those of kind `concurrency` come first. */
  readonly demands: readonly LimitDemand[];
}

/** A message must not start yet. It holds no permit, and has a place in line. */
export interface Refusal {
  /**
   * When to ask again: a number of milliseconds above 0. For a rate it is the time until the message may start, if all that
   * wait before it do.
   */
  readonly waitMs: number;
  /** The limit that refused, and its key. */
  readonly limit: string;
  readonly key: string;
}

/** A message that waits for a permit. */
export interface Waiter {
  readonly queue: string;
  readonly id: string;
}

/** The answer to requests. */
export interface Acquired {
  /** One for each request, in order; `undefined`: it holds all of its permits. */
  readonly refusals: readonly (Refusal | undefined)[];
  /** With `promotes`: messages that are next in line for a free slot, and were not named before. */
  readonly next: readonly Waiter[];
}

/** A key of a limit for which messages may wait. */
export interface LimitLine extends LimitDemand {
  /** Messages that were named for the key and no longer exist, or are in a paused queue: they lose their places. */
  readonly gone?: readonly Waiter[] | undefined;
  /**
   * The rule may have changed. Messages that wait by a rule of the other kind are named, and give their places up; and the
   * next start of a rate is due no later than the rule asks for after a burst.
   */
  readonly isNewRule?: boolean | undefined;
  /** The call comes before the time that the last answer gave. So if no start is due, no other caller was faster. */
  readonly isEarly?: boolean | undefined;
}

/** The answer to `call`. */
export interface Called {
  /** Messages whose turn it is: there is a free slot for them, or a start of their rate is due. Each is named once. */
  readonly next: readonly Waiter[];
  /**
   * For each line, in order: after how many milliseconds to call again; `undefined` if no message waits. For a rate, when the
   * next start is due. For a slot, `release` names the next message; the call is for a slot that lapses, or a message that was
   * named and does not return.
   */
  readonly againMs: readonly (number | undefined)[];
}

/** A slot of a limit, held under a token. */
export interface Permit {
  readonly limit: string;
  readonly key: string;
  readonly token: string;
}

/** A permit that is given back. */
export interface ReleasedPermit extends Permit {
  /** Slots of the limit now. */
  readonly slots: number;
  /** How long the run took, in milliseconds; 0 if it did not run. The store estimates waits from it. */
  readonly ranMs: number;
}

/** How permits are asked for. */
export interface AcquireOptions {
  /** How long a slot is held without a renewal, in milliseconds. */
  readonly leaseMs: number;
  /** Whether the caller makes the messages ready that it gets as `next`, so that refused messages need not ask often. */
  readonly promotes: boolean;
  /** Slots that are given back first, as by `release`: a busy worker ends and starts runs in one call. */
  readonly returned?: readonly ReleasedPermit[];
}

/** What a limit holds now, for one of its keys. */
export interface LimitUsage {
  readonly limit: string;
  readonly key: string;
  /** Permits that are held. */
  readonly held: number;
  /** Messages that have a place in line. */
  readonly waiting: number;
  /** For how long the clock of the key stands still, in milliseconds; 0 if it runs. */
  readonly pausedMs: number;
}

/**
 * The part of a broker that counts permits across all workers. Nothing is counted up and down: a permit is a named entry
 * that ends by itself. Every call may be repeated safely after a lost answer, except that a repeated `acquire` takes the
 * start of a rate again. All methods reject with BrokerUnavailableError if the store is unreachable.
 *
 * - Never more than `slots` permits of a key are live. A permit lapses if it is not renewed within its lease.
 * - A key of a rate grants at most `t / intervalMs + burst` starts in any `t` milliseconds.
 * - Permits are granted in the order in which the messages first asked: a new message overtakes none that waits. A message
 *   that is next in line for a slot and does not ask again within 5 s loses its place. One that waits for a rate holds up no
 *   other: it starts when it asks, if a start is due.
 */
export interface LimitStore {
  /** Asks for the permits of several messages: each gets all that it needs, or none. */
  acquire(requests: readonly PermitRequest[], options: AcquireOptions): Promise<Acquired>;

  /** Renews slots, from now on. One that has lapsed stays lost. */
  renew(permits: readonly Permit[], leaseMs: number): Promise<void>;

  /**
   * The handler of a delivery whose request was granted starts right after this call, and must have ended by `until` (of
   * `performance.now`, milliseconds). Until then its slots should survive a handler that blocks the event loop: `renew` cannot
   * be called during a block. After `until` they must lapse by themselves, because the handler may be stuck. With 0 the guard
   * ends: the message was lost. While a worker holds slots, this is called for each of its runs, without a request if the run
   * has no slots. So it must not take long, and must not throw. If a store leaves it out, a block that is longer than the
   * lease costs slots.
   */
  guard?(request: PermitRequest | undefined, options: { readonly until: number; readonly leaseMs: number }): void;

  /**
   * Gives slots back. Unknown tokens free nothing.
   * @returns with `promotes`: the messages that are next in line for the keys of the permits, also those of unknown tokens
   */
  release(permits: readonly ReleasedPermit[], options: { readonly promotes: boolean }): Promise<readonly Waiter[]>;

  /**
   * Names the messages whose turn it is. The caller makes them ready, so that each is delayed once, however late the ones
   * before it start. Calls for one key may come from many workers: a message is named to one of them.
   */
  call(lines: readonly LimitLine[]): Promise<Called>;

  /**
   * Stops the clock of a key for `ms` milliseconds, counted from now: nothing is granted, and every time that was given
   * to a waiting message moves by as much. A shorter stop than the present one changes nothing.
   */
  hold(limit: string, key: string, ms: number): Promise<void>;

  /**
   * The keys for which messages wait, at most 10,000.
   * @param which `overdue`: those that no worker has called for 2 s after the call was due, because the workers that knew of
   * it have ended. Not used if all workers of the store are in one process.
   */
  waiting(which: 'all' | 'overdue'): Promise<readonly Pick<LimitDemand, 'limit' | 'key'>[]>;

  /** The keys that were used lately, at most 500, the last one first. */
  usage(): Promise<readonly LimitUsage[]>;

  /**
   * Takes their places from messages that wait for a rate, because the rate has changed: they get new ones when they ask
   * again. Messages in line for a slot keep theirs.
   * @param rule the new rule: no key waits longer for its next start than the rule asks for after a burst. Without it the
   * starts before are charged as they were.
   * @returns up to 500 messages that wait for the limit; none once no place is left
   */
  reschedule(limit: string, rule?: LimitRule): Promise<readonly Waiter[]>;
}
