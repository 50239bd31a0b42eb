import type { Logger } from 'pino';
import type { Called, LimitLine, LimitRule, LimitStore, Waiter } from '../broker/limit-store.ts';
import { RETURN_GRACE_MS } from '../broker/limit-waits.ts';
import type { MessageIndex } from '../broker/message-index.ts';
import type { Clock, TimerHandle } from '../clock/clock.ts';
import { pause } from '../clock/pause.ts';

/** Waits between the tries to make a message ready, in milliseconds; `undefined` after the last one. */
const PROMOTE_AGAIN_MS = [100, 1_000, undefined] as const;
/** How long to wait after a call that failed, in milliseconds. */
const CALL_AGAIN_MS = 1_000;
/** How often to look whether messages that were named for a slot have returned, in milliseconds: not for each one alone. */
const LOOK_EVERY_MS = 1_000;
/** Instants that differ by less are the same, in milliseconds: sums of fractions are not exact. */
const SAME_MS = 0.001;

export interface LineCallsOptions {
  readonly store: LimitStore;
  readonly messages: MessageIndex;
  /** Whether a queue is paused. Does not reject. */
  readonly isPaused: (queue: string) => Promise<boolean>;
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
}

/**
 * Makes messages ready whose turn it is at a limit: those that the store names when a slot is free, and those that it calls
 * for a rate. A rate has no event that names the next message, so a timer asks the store when the next start is due. All
 * workers that have refused messages of a key ask; the store names each message to one of them. For a slot it asks once
 * more if messages were named: one that did not return has lost its place by then, and the next one is named.
 */
export class LineCalls {
  readonly #options: LineCallsOptions;
  readonly #lines = new Map<string, CalledLine>();
  #timer: TimerHandle | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #isCalling = false;

  constructor(options: LineCallsOptions) {
    this.#options = options;
  }

  /** A message of a key waits for its rate. @param waitMs until its start is due */
  note(line: Pick<LimitLine, 'limit' | 'key'>, waitMs: number): void {
    this.#callAt(line, this.#options.clock.monotonic() + waitMs);
  }

  #callAt({ limit, key }: Pick<LimitLine, 'limit' | 'key'>, at: number): void {
    const name = nameOf({ limit, key });
    const known = this.#lines.get(name);
    if (known === undefined) this.#lines.set(name, { limit, key, at });
    else if (at < known.at) known.at = at;
    else return;
    this.#arm(at);
  }

  /** Calls the messages of all keys that were used lately. */
  async callAll(): Promise<void> {
    const { store, ruleOf, logger, inTime } = this.#options;
    try {
      const ofSlots: LimitLine[] = [];
      for (const { limit, key, waiting } of await inTime(store.usage())) {
        const rule = ruleOf(limit);
        if (waiting === 0 || rule === undefined) continue;
        if (rule.kind === 'rate') this.note({ limit, key }, 0);
        else ofSlots.push({ limit, key, rule });
      }
      if (ofSlots.length > 0) await this.#ask(ofSlots);
    } catch (error) {
      logger.debug({ error }, 'messages that wait for limits are not called before others of their keys ask or end');
    }
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
    const lookAt = this.#options.clock.monotonic() + RETURN_GRACE_MS + LOOK_EVERY_MS;
    for (const line of lines)
      if (line.rule.kind === 'concurrency') this.#callAt(line, Math.floor(lookAt / LOOK_EVERY_MS) * LOOK_EVERY_MS);
  }

  close(): void {
    this.#options.clock.clearTimeout(this.#timer);
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
      const { againMs } = await this.#ask(due.map(({ asked }) => asked));
      const now = clock.monotonic();
      for (const [index, { line }] of due.entries()) {
        const afterMs = againMs[index];
        if (afterMs !== undefined) line.at = Math.min(line.at, now + afterMs);
        else if (line.at === Number.POSITIVE_INFINITY) this.#lines.delete(nameOf(line));
      }
    } catch (error) {
      logger.debug({ error }, 'messages that wait for a rate could not be called; trying again');
      const at = clock.monotonic() + CALL_AGAIN_MS;
      for (const { line } of due) line.at = Math.min(line.at, at);
    } finally {
      this.#isCalling = false;
    }
    if (closing.aborted) return;
    let next = Number.POSITIVE_INFINITY;
    for (const { at } of this.#lines.values()) if (at < next) next = at;
    this.#arm(next);
  }

  #due(): { readonly line: CalledLine; readonly asked: LimitLine }[] {
    const { clock, ruleOf } = this.#options;
    const latest = clock.monotonic() + SAME_MS;
    const due: { readonly line: CalledLine; readonly asked: LimitLine }[] = [];
    for (const [name, line] of this.#lines) {
      if (line.at > latest) continue;
      const rule = ruleOf(line.limit);
      if (rule === undefined) this.#lines.delete(name);
      else due.push({ line, asked: { limit: line.limit, key: line.key, rule } });
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
    const gone = ids.map((id) => ({ queue, id }));
    const byName = new Map(lines.map((line) => [nameOf(line), { ...line, gone }]));
    await this.#ask([...byName.values()]);
  }
}

/** The name of a limit has no space. */
function nameOf({ limit, key }: { readonly limit: string; readonly key: string }): string {
  return `${limit} ${key}`;
}
