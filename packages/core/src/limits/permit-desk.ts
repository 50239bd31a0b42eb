import { setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import { ANSWER_GRACE_MS } from '../broker/answer-grace.ts';
import type { LimitStore, Permit, PermitRequest, Refusal, ReleasedPermit, Waiter } from '../broker/limit-store.ts';
import { RETURN_GRACE_MS } from '../broker/limit-waits.ts';
import type { MessageIndex } from '../broker/message-index.ts';
import { backoff } from '../clock/backoff.ts';
import type { Clock, TimerHandle } from '../clock/clock.ts';
import { pause } from '../clock/pause.ts';
import { TimeLimit } from '../clock/time-limit.ts';
import { BrokerUnavailableError } from '../errors/errors.ts';

/** Waits between the tries to make a message ready, in milliseconds; `undefined` after the last one. */
const PROMOTE_AGAIN_MS = [100, 1_000, undefined] as const;

export interface PermitDeskOptions {
  readonly store: LimitStore | undefined;
  /** Makes messages ready that are next in line. Without it they return by their own time. */
  readonly messages: MessageIndex | undefined;
  readonly leaseMs: number;
  /** Time limit of one call. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** No permit has this token. */
const NO_TOKEN = '-';

/** A key for which messages wait in line. */
type Line = Pick<ReleasedPermit, 'limit' | 'key' | 'slots'>;

interface Returned extends ReleasedPermit {
  /** When its lease has ended anyway, on the monotonic clock. */
  readonly until: number;
}

/** The calls of one worker to the store of limits. No method rejects: an unreachable store grants nothing. */
export class PermitDesk {
  readonly #options: PermitDeskOptions;
  readonly #promotes: boolean;
  readonly #pending = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();
  #returned: Returned[] = [];
  #timer: TimerHandle | undefined;
  /** How long to leave the store alone after a failure, in milliseconds; 0: the last call was answered. */
  #backoffMs = 0;
  #askAgainAt = 0;
  #isProbing = false;
  #hasWarned = false;

  constructor(options: PermitDeskOptions) {
    this.#options = options;
    this.#promotes = options.messages !== undefined;
    // Every promotion that waits for its next try adds a listener. Above ten, Node would print a leak warning.
    setMaxListeners(0, this.#closing.signal);
  }

  /**
   * Asks for permits, and sends what is collected in the same call.
   * @returns `undefined` if the store is unreachable: nothing is granted
   */
  async acquire(requests: readonly PermitRequest[]): Promise<readonly (Refusal | undefined)[] | undefined> {
    const { store, clock, logger, leaseMs } = this.#options;
    if (store === undefined) {
      if (!this.#hasWarned) logger.error('messages with limits wait: no store for limits is configured');
      this.#hasWarned = true;
      return undefined;
    }
    const isProbe = this.#backoffMs > 0;
    if (isProbe && (this.#isProbing || clock.monotonic() < this.#askAgainAt)) return undefined;
    this.#isProbing = isProbe;
    const returned = this.#returned;
    this.#returned = [];
    try {
      const options = { leaseMs, promotes: this.#promotes, returned };
      const { refusals, next } = await this.#inTime(store.acquire(requests, options));
      this.#backoffMs = 0;
      if (next.length > 0) this.#promote(next, [...requests.flatMap(linesOf), ...returned]);
      return refusals;
    } catch (error) {
      this.#collectAgain(returned);
      this.#backoffMs = backoff(this.#backoffMs);
      this.#askAgainAt = clock.monotonic() + this.#backoffMs;
      logger.warn({ error }, 'the store of limits gave no answer: messages with limits wait, others run');
      return undefined;
    } finally {
      if (isProbe) this.#isProbing = false;
    }
  }

  /** Collects a permit for the next call. */
  giveBack(limit: string, key: string, token: string, slots: number, ranMs: number): void {
    const { clock, leaseMs } = this.#options;
    this.#returned.push({ limit, key, token, slots, ranMs, until: clock.monotonic() + leaseMs });
  }

  /** Whether permits wait to be sent. */
  get hasReturned(): boolean {
    return this.#returned.length > 0;
  }

  /** Sends the collected permits. */
  flush(): void {
    if (this.#returned.length === 0) return;
    const returned = this.#returned;
    this.#returned = [];
    this.#watch(this.#release(returned));
  }

  renew(permits: readonly Permit[]): void {
    const { store, leaseMs, logger } = this.#options;
    if (store === undefined || permits.length === 0) return;
    this.#watch(
      this.#inTime(store.renew(permits, leaseMs)).catch((error: unknown) =>
        logger.warn({ error }, 'permits of limits could not be renewed; trying again'),
      ),
    );
  }

  hold(limit: string, key: string, ms: number): void {
    const { store, logger } = this.#options;
    if (store === undefined) return;
    this.#watch(
      this.#inTime(store.hold(limit, key, ms)).catch((error: unknown) =>
        logger.warn({ error, limit, key }, 'the clock of a limit could not be stopped'),
      ),
    );
  }

  /** Sends what is collected, and resolves once every call has ended. */
  async drained(): Promise<void> {
    this.#closing.abort();
    this.flush();
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  close(): void {
    this.#closing.abort();
    this.#options.clock.clearTimeout(this.#timer);
    this.#returned = [];
  }

  async #release(returned: readonly Returned[]): Promise<void> {
    const { logger } = this.#options;
    try {
      await this.#releaseNow(returned);
    } catch (error) {
      logger.debug({ error }, 'permits of limits could not be given back; trying again until they lapse');
      this.#collectAgain(returned);
    }
  }

  /** Nobody knows whether the store got them. Those whose leases have ended are free anyway. */
  #collectAgain(returned: readonly Returned[]): void {
    const { clock } = this.#options;
    const now = clock.monotonic();
    const live = returned.filter(({ until }) => until > now);
    if (live.length === 0) return;
    this.#returned.push(...live);
    clock.clearTimeout(this.#timer);
    this.#timer = clock.setTimeout(() => this.flush(), backoff(backoff(0)));
  }

  async #releaseNow(permits: readonly ReleasedPermit[]): Promise<void> {
    const { store } = this.#options;
    if (store === undefined) return;
    const next = await this.#inTime(store.release(permits, { promotes: this.#promotes }));
    if (next.length > 0) this.#promote(next, permits);
  }

  /** @param lines the keys that `next` may be in line for */
  #promote(next: readonly Waiter[], lines: readonly Line[]): void {
    const { messages } = this.#options;
    if (messages === undefined) return;
    const byQueue = new Map<string, string[]>();
    for (const { queue, id } of next) {
      const ids = byQueue.get(queue);
      if (ids === undefined) byQueue.set(queue, [id]);
      else ids.push(id);
    }
    for (const [queue, ids] of byQueue) this.#watch(this.#makeReady(messages, queue, ids, lines));
  }

  /** A message that is not delayed yet is promoted again a little later: another worker may be delaying it now. */
  async #makeReady(
    messages: MessageIndex,
    queue: string,
    ids: readonly string[],
    lines: readonly Line[],
  ): Promise<void> {
    const { clock, logger } = this.#options;
    try {
      let missed = ids;
      for (const waitMs of PROMOTE_AGAIN_MS) {
        const promoted = new Set(await messages.promote(queue, missed));
        missed = missed.filter((id) => !promoted.has(id));
        if (missed.length === 0 || this.#closing.signal.aborted) return;
        if (waitMs !== undefined) await pause(clock, waitMs, this.#closing.signal);
      }
      if ((await messages.unfinished(queue, missed)).length < missed.length) await this.#passOver(lines);
    } catch (error) {
      const about = 'messages that are next in line were not made ready: they return by their time';
      logger.debug({ error, queue }, about);
    }
  }

  /** A message was cancelled while it was in line. Once it has lost its place, the store names the one behind it. */
  async #passOver(lines: readonly Line[]): Promise<void> {
    const { clock } = this.#options;
    await pause(clock, RETURN_GRACE_MS, this.#closing.signal);
    if (this.#closing.signal.aborted) return;
    const byKey = new Map(lines.map(({ limit, key, slots }) => [`${limit} ${key}`, { limit, key, slots }]));
    await this.#releaseNow([...byKey.values()].map((line) => ({ ...line, token: NO_TOKEN, ranMs: 0 })));
  }

  #inTime<T>(answer: Promise<T>): Promise<T> {
    const { clock, timeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const limit = new TimeLimit(clock, timeoutMs + ANSWER_GRACE_MS, () =>
        reject(new BrokerUnavailableError(`the store of limits gave no answer within ${timeoutMs} ms`)),
      );
      answer.finally(() => limit.clear()).then(resolve, reject);
    });
  }

  #watch(call: Promise<unknown>): void {
    const watched: Promise<unknown> = call.finally(() => this.#pending.delete(watched));
    this.#pending.add(watched);
  }
}

function linesOf({ demands }: PermitRequest): readonly Line[] {
  return demands.flatMap(({ limit, key, rule }) =>
    rule.kind === 'concurrency' ? [{ limit, key, slots: rule.slots }] : [],
  );
}
