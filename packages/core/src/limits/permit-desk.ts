import { setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import { ANSWER_GRACE_MS } from '../broker/answer-grace.ts';
import type {
  LimitLine,
  LimitRule,
  LimitStore,
  Permit,
  PermitRequest,
  Refusal,
  ReleasedPermit,
} from '../broker/limit-store.ts';
import { calledWaitMs, SLOT_LOOK_MS } from '../broker/limit-waits.ts';
import type { MessageIndex } from '../broker/message-index.ts';
import { backoff } from '../clock/backoff.ts';
import type { Clock, TimerHandle } from '../clock/clock.ts';
import { TimeLimit } from '../clock/time-limit.ts';
import { BrokerUnavailableError } from '../errors/errors.ts';
import { LineCalls } from './line-calls.ts';

export interface PermitDeskOptions {
  readonly store: LimitStore | undefined;
  /** Makes messages ready that are next in line. Without it they return by their own time. */
  readonly messages: MessageIndex | undefined;
  /** Whether workers of other processes use the store. */
  readonly isShared: boolean;
  /** Whether a queue is paused: its messages hold up no others. Does not reject. */
  readonly isPaused: (queue: string) => Promise<boolean>;
  /** The rule of a limit now; `undefined` for one that is not defined here. */
  readonly ruleOf: (limit: string) => LimitRule | undefined;
  readonly leaseMs: number;
  /** Time limit of one call. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Returned extends ReleasedPermit {
  /** When its lease has ended anyway, on the monotonic clock. */
  readonly until: number;
}

/** The calls of one worker to the store of limits. No method rejects: an unreachable store grants nothing. */
export class PermitDesk {
  readonly #options: PermitDeskOptions;
  /** Left out if the broker cannot make messages ready. */
  readonly #calls: LineCalls | undefined;
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
    const { store, messages } = options;
    if (store !== undefined && messages !== undefined) {
      this.#calls = new LineCalls({
        ...options,
        store,
        messages,
        closing: this.#closing.signal,
        inTime: (answer) => this.#inTime(answer),
        watch: (work) => this.#watch(work),
      });
    }
    // Every promotion that waits for its next try adds a listener. Above ten, Node would print a leak warning.
    setMaxListeners(0, this.#closing.signal);
  }

  /** Calls messages whose turn it is, also those that other workers refused which have ended. */
  start(): void {
    this.#calls?.start();
  }

  /** Calls all messages whose turn it is, because a rule has changed. */
  callAll(): void {
    this.#calls?.callAll();
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
      const options = { leaseMs, promotes: this.#calls !== undefined, returned };
      const { refusals, next } = await this.#inTime(store.acquire(requests, options));
      this.#backoffMs = 0;
      if (next.length > 0)
        this.#calls?.makeReady(next, [...requests.flatMap(({ demands }) => demands), ...returned.map(lineOf)]);
      return refusals.map((refusal, index) => refusal && this.#called(refusal, requests[index] as PermitRequest));
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

  /** @param onRenewed is called if the store has renewed those that were live */
  renew(permits: readonly Permit[], onRenewed: () => void): void {
    const { store, leaseMs, logger } = this.#options;
    if (store === undefined || permits.length === 0) return;
    this.#watch(
      this.#inTime(store.renew(permits, leaseMs)).then(onRenewed, (error: unknown) =>
        logger.warn({ error }, 'permits of limits could not be renewed; trying again'),
      ),
    );
  }

  /** Keeps the slots of a run up to a time, of `performance.now`, also while the event loop is blocked. */
  guard(request: PermitRequest | undefined, until: number): void {
    const { store, leaseMs } = this.#options;
    store?.guard?.(request, { until, leaseMs });
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
    this.#calls?.close();
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
    const next = await this.#inTime(store.release(permits, { promotes: this.#calls !== undefined }));
    if (next.length > 0) this.#calls?.makeReady(next, permits.map(lineOf));
  }

  /** A message that waits for a rate is called: it stays away for longer than its answer says. */
  #called(refusal: Refusal, { demands }: PermitRequest): Refusal {
    if (this.#calls === undefined) return refusal;
    let isByRate = false;
    for (const demand of demands) {
      const refused = demand.limit === refusal.limit && demand.key === refusal.key;
      if (demand.rule.kind === 'concurrency') {
        if (refused) this.#calls.note(demand, SLOT_LOOK_MS);
      } else if (refused) {
        isByRate = true;
        this.#calls.note(demand, refusal.waitMs);
        // If it was called for this rate, another message may have that start.
      } else this.#calls.note(demand, 0);
    }
    return isByRate ? { ...refusal, waitMs: calledWaitMs(refusal.waitMs) } : refusal;
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

function lineOf({ limit, key, slots }: ReleasedPermit): LimitLine {
  return { limit, key, rule: { kind: 'concurrency', slots } };
}
