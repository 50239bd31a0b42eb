import type { Logger } from 'pino';
import type { Called, LimitLine, LimitRule, LimitStore, Waiter } from '../broker/limit-store.ts';
import { MOST_CALLED, SLOT_LOOK_MS } from '../broker/limit-waits.ts';
import type { MessageIndex } from '../broker/message-index.ts';
import type { Clock, TimerHandle } from '../clock/clock.ts';
import { pause } from '../clock/pause.ts';

/** Waits between the tries to make a message ready, in milliseconds; `undefined` after the last one. */
const PROMOTE_AGAIN_MS = [100, 1_000, undefined] as const;
/** How long to wait after a call that failed, in milliseconds. */
const CALL_AGAIN_MS = 1_000;
/** Keys of slots that are due within this time are called together, in milliseconds. */
const TOGETHER_MS = 1_000;
/** How often to look for keys whose callers have ended, in milliseconds. */
const OVERDUE_EVERY_MS = 5_000;
/** Instants that differ by less are the same, in milliseconds: sums of fractions are not exact. */
const SAME_MS = 0.001;

export interface LineCallsOptions {
  readonly store: LimitStore;
  readonly messages: MessageIndex;
  /** Whether a queue is paused. Does not reject. */
  readonly isPaused: (queue: string) => Promise<boolean>;
  /** Whether workers of other processes use the store: they may end without a word. */
  readonly isShared: boolean;
  /** The rule of a limit now; `undefined` for one that is not defined here. */
  readonly ruleOf: (limit: string) => LimitRule | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends what the worker does for other messages than its own. */
  readonly closing: AbortSignal;
  /** Rejects with BrokerUnavailableError if the store gives no answer. */
  readonly inTime: <T>(answer: Promise<T>) => Promise<T>;
  /** Is called with work that ends by itself. It does not reject. */
  readonly watch: (work: Promise<unknown>) => void;
}

/** A key for which messages wait. */
interface CalledLine {
  readonly limit: string;
  readonly key: string;
  /** When to call next, on the monotonic clock. */
  at: number;
  /** Whether that is earlier than the store said. */
  isEarly: boolean;
  /** Whether the rule may have changed since the last call. */
  isNewRule: boolean;
}

/** A key that is due, and what the store is asked. */
interface DueLine {
  readonly line: CalledLine;
  readonly asked: LimitLine;
}

/** Those of this process that have started, by the store that they call. */
const STARTED = new WeakMap<LimitStore, Set<LineCalls>>();

/**
 * Makes messages ready whose turn it is at a limit: those that the store names when a slot is free, and those that it calls
 * for a rate. A rate has no event that names the next message, so a timer asks the store when the next start is due. All
 * workers that have refused messages of a key ask; the store names each message to one of them. They also ask for slots now
 * and then, because a slot may lapse, and a message that was named may not return. If they all have ended, any other worker
 * asks in their place: those of the same process at once.
 */
export class LineCalls {
  readonly #options: LineCallsOptions;
  readonly #lines = new Map<string, CalledLine>();
  #timer: TimerHandle | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #isCalling = false;
  #overdueTimer: TimerHandle | undefined;

  constructor(options: LineCallsOptions) {
    this.#options = options;
  }

  /** Calls all keys for which messages wait, and those of workers that end later. */
  start(): void {
    const { store, isShared } = this.#options;
    const started = STARTED.get(store) ?? new Set();
    STARTED.set(store, started.add(this));
    this.callAll();
    if (isShared) this.#armOverdue();
  }

  /** A message of a key waits. @param waitMs until its start is due; for a slot, until to look whether one is free */
  note(line: LimitLine, waitMs: number): void {
    const { rule } = line;
    const dueAt = this.#options.clock.monotonic() + waitMs;
    this.#callAt(line, rule.kind === 'rate' ? dueAt : Math.ceil(dueAt / TOGETHER_MS) * TOGETHER_MS);
  }

  #callAt({ limit, key, isNewRule = false }: LimitLine, at: number): void {
    const name = nameOf({ limit, key });
    const known = this.#lines.get(name);
    if (known !== undefined && isNewRule) known.isNewRule = true;
    if (known === undefined) this.#lines.set(name, { limit, key, at, isEarly: true, isNewRule });
    else if (at < known.at) Object.assign(known, { at, isEarly: true });
    else return;
    this.#arm(at);
  }

  /** Calls all keys for which messages wait. */
  callAll(): void {
    const { clock, watch } = this.#options;
    // The store may not know yet of what this worker has just refused.
    for (const line of this.#lines.values())
      Object.assign(line, { at: clock.monotonic(), isEarly: true, isNewRule: true });
    if (this.#lines.size > 0) this.#arm(clock.monotonic());
    watch(this.#callWaiting('all'));
  }

  async #callWaiting(which: 'all' | 'overdue'): Promise<void> {
    const { store, ruleOf, clock, logger, inTime } = this.#options;
    try {
      const now = clock.monotonic();
      for (const line of await inTime(store.waiting(which))) {
        const rule = ruleOf(line.limit);
        // Workers mostly end in a deploy, and a deploy may change rules.
        if (rule !== undefined) this.#callAt({ ...line, rule, isNewRule: true }, now);
      }
    } catch (error) {
      logger.debug({ error }, 'messages that wait for limits are not called before others of their keys ask or end');
    }
  }

  #armOverdue(): void {
    const { clock, watch, closing } = this.#options;
    this.#overdueTimer = clock.setTimeout(() => {
      if (closing.aborted) return;
      watch(this.#callWaiting('overdue'));
      this.#armOverdue();
    }, OVERDUE_EVERY_MS);
  }

  /** Makes messages ready. @param lines the keys that they may be in line for */
  makeReady(waiters: readonly Waiter[], lines: readonly LimitLine[]): void {
    const byQueue = new Map<string, string[]>();
    for (const { queue, id } of waiters) {
      const ids = byQueue.get(queue);
      if (ids === undefined) byQueue.set(queue, [id]);
      else ids.push(id);
    }
    for (const [queue, ids] of byQueue) this.#options.watch(this.#promote(queue, ids, lines));
    for (const line of lines)
      if (line.rule.kind === 'concurrency') this.note({ ...line, isNewRule: false }, SLOT_LOOK_MS);
  }

  close(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#options.clock.clearTimeout(this.#overdueTimer);
    const others = STARTED.get(this.#options.store);
    if (others?.delete(this) === true && this.#lines.size > 0) for (const other of others) other.callAll();
    this.#lines.clear();
  }

  #arm(at: number): void {
    const { clock, closing } = this.#options;
    if (this.#isCalling || at >= this.#timerAt || closing.aborted) return;
    clock.clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = clock.setTimeout(() => this.#options.watch(this.#call()), at - clock.monotonic());
  }

  /** One call for all keys that are due. The next one follows its answer, so a slow store gets few of them. */
  async #call(): Promise<void> {
    const { clock, logger, closing } = this.#options;
    const due = this.#due();
    this.#timerAt = Number.POSITIVE_INFINITY;
    this.#isCalling = true;
    // A message that is refused during the call may not be known to it.
    for (const { line } of due) line.at = Number.POSITIVE_INFINITY;
    try {
      const { next, againMs } = await this.#ask(due.map(({ asked }) => asked));
      const now = clock.monotonic();
      for (const [index, { line, asked }] of due.entries()) {
        // More may wait by a rule of another kind than one call names.
        if (next.length >= MOST_CALLED && asked.isNewRule === true) Object.assign(line, { at: now, isNewRule: true });
        const afterMs = againMs[index];
        if (afterMs === undefined) {
          if (line.at === Number.POSITIVE_INFINITY) this.#lines.delete(nameOf(line));
        } else if (now + afterMs < line.at) Object.assign(line, { at: now + afterMs, isEarly: false });
      }
    } catch (error) {
      logger.debug({ error }, 'messages that wait for limits could not be called; trying again');
      const at = clock.monotonic() + CALL_AGAIN_MS;
      for (const { line, asked } of due) {
        line.at = Math.min(line.at, at);
        line.isNewRule ||= asked.isNewRule === true;
      }
    } finally {
      this.#isCalling = false;
    }
    if (closing.aborted) return;
    let next = Number.POSITIVE_INFINITY;
    for (const { at } of this.#lines.values()) if (at < next) next = at;
    this.#arm(next);
  }

  #due(): readonly DueLine[] {
    const { clock, ruleOf } = this.#options;
    const latest = clock.monotonic() + SAME_MS;
    const due: DueLine[] = [];
    for (const [name, line] of this.#lines) {
      if (line.at > latest) continue;
      const rule = ruleOf(line.limit);
      if (rule === undefined) this.#lines.delete(name);
      else
        due.push({
          line,
          asked: { limit: line.limit, key: line.key, rule, isNewRule: line.isNewRule, isEarly: line.isEarly },
        });
      line.isNewRule = false;
    }
    return due;
  }

  async #ask(lines: readonly LimitLine[]): Promise<Called> {
    const { store, inTime } = this.#options;
    const called = await inTime(store.call(lines));
    if (called.next.length > 0) this.makeReady(called.next, lines);
    return called;
  }

  /** A message that is not delayed yet is promoted again a little later: another worker may be delaying it now. */
  async #promote(queue: string, ids: readonly string[], lines: readonly LimitLine[]): Promise<void> {
    const { messages, isPaused, clock, logger, closing } = this.#options;
    try {
      if (await isPaused(queue)) {
        // They wait there without a place, and get new ones when their queue goes on.
        await messages.promote(queue, ids);
        await this.#leave(queue, ids, lines);
        return;
      }
      let missed = ids;
      for (const waitMs of PROMOTE_AGAIN_MS) {
        const promoted = new Set(await messages.promote(queue, missed));
        missed = missed.filter((id) => !promoted.has(id));
        if (missed.length === 0 || closing.aborted) return;
        const there = new Set(await messages.unfinished(queue, missed));
        const gone = missed.filter((id) => !there.has(id));
        if (gone.length > 0) await this.#leave(queue, gone, lines);
        missed = missed.filter((id) => there.has(id));
        if (missed.length === 0) return;
        if (waitMs !== undefined) await pause(clock, waitMs, closing);
      }
    } catch (error) {
      const about = 'messages whose turn it is were not made ready: they return by their time';
      logger.debug({ error, queue }, about);
    }
  }

  /** Messages that were cancelled or purged, have expired, or are paused leave their places to the ones behind them. */
  async #leave(queue: string, ids: readonly string[], lines: readonly LimitLine[]): Promise<void> {
    const keys = new Map(lines.map((line) => [nameOf(line), line]));
    for (let from = 0; from < ids.length; from += MOST_CALLED) {
      const gone = ids.slice(from, from + MOST_CALLED).map((id) => ({ queue, id }));
      await this.#ask([...keys.values()].map((line) => ({ ...line, isNewRule: false, gone })));
    }
  }
}

/** The name of a limit has no space. */
function nameOf({ limit, key }: { readonly limit: string; readonly key: string }): string {
  return `${limit} ${key}`;
}
