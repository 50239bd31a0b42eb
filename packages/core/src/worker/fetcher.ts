import { setMaxListeners } from 'node:events';
import type { Delivery } from '../broker/delivery.ts';
import { RECEIVED_AT_ONCE } from '../broker/received-at-once.ts';
import type { Clock } from '../clock/clock.ts';
import { BrokerUnavailableError } from '../errors/errors.ts';
import { failpoint } from '../failpoints/failpoint.ts';
import { QueueShare, type OnFetchError } from './queue-share.ts';
import type { Source } from './source.ts';

export interface Fetched<S extends Source> {
  readonly source: S;
  /** At least one. */
  readonly deliveries: readonly Delivery[];
}

export interface FetcherOptions {
  /** Take from the first queue until it is empty, then from the next: weights are ignored. */
  readonly strict: boolean;
  readonly clock: Clock;
  readonly onError: OnFetchError;
}

/** From this number of queues on, the broker is asked which of them have messages before any are claimed. */
const MANY_QUEUES = 16;

/** Time limit of the first poll after a failure: the other queues wait for its answer no longer than this. */
const PROBE_MS = 200;

/** Takes messages from several queues in proportion to their weights. Empty and unreadable queues do not count. */
export class Fetcher<S extends Source> {
  readonly #queues: readonly QueueShare<S>[];
  readonly #strict: boolean;
  readonly #clock: Clock;
  /** Lowest pass of the queues that had messages in the last round. A queue that comes back starts here, without credit. */
  #pass = 0;
  /** Ends pending fetches when a queue is paused or resumed, and when the worker stops. */
  #fetching = newFetching();
  #stopped: AbortSignal | undefined;
  #isInterrupted = false;

  constructor(sources: readonly S[], { strict, clock, onError }: FetcherOptions) {
    this.#queues = sources.map((source) => new QueueShare(source, clock, onError));
    this.#strict = strict;
    this.#clock = clock;
  }

  /**
   * Fetches up to `limit` messages, and of each queue its `extra` beyond that, and waits until there is at least one. With
   * several queues it may return a few more than `limit`, if messages become ready in several queues at the same moment.
   * @param stopped ends the wait, as `interrupt` does; then the list is empty
   * @returns the messages of each queue. Never rejects: if one queue fails, the messages of the others are returned.
   */
  async next(limit: number, stopped: AbortSignal): Promise<readonly Fetched<S>[]> {
    const most = Math.min(limit, RECEIVED_AT_ONCE);
    const only = this.#queues.length === 1 ? this.#queues[0] : undefined;
    this.#follow(stopped);
    while (!stopped.aborted) {
      const { signal } = this.#fetching;
      const fetched =
        only === undefined
          ? await this.#pollOrWait(most, signal)
          : fetchedFrom(only.source, await this.#pollOnly(only, most, signal));
      if (fetched.length > 0 || this.#isInterrupted) {
        this.#isInterrupted = false;
        return fetched;
      }
    }
    return [];
  }

  /** Fetches up to `limit` messages that are ready now, perhaps none. Never rejects. */
  async poll(limit: number, signal: AbortSignal): Promise<readonly Fetched<S>[]> {
    return this.#pollOnce(Math.min(limit, RECEIVED_AT_ONCE), signal);
  }

  /** Ends a pending `next`, because more messages may be fetched than it was called with. */
  interrupt(): void {
    this.#isInterrupted = true;
    this.#renew();
  }

  /** Ends pending fetches, because `isPaused` of a source has changed. */
  pausesChanged(): void {
    for (const queue of this.#queues) if (queue.source.isPaused) queue.isIdle = true;
    this.#renew();
  }

  #renew(): void {
    const pending = this.#fetching;
    this.#fetching = newFetching();
    pending.abort();
  }

  #follow(stopped: AbortSignal): void {
    if (this.#stopped === stopped) return;
    this.#stopped = stopped;
    this.#fetching = newFetching();
    stopped.addEventListener('abort', () => this.#fetching.abort(), { once: true });
  }

  /**
   * Receives messages of one queue. Never rejects: if the queue cannot be read, the list is empty and its backoff begins.
   * @param stopped ends the backoff
   */
  async #receive(
    queue: QueueShare<S>,
    limit: number,
    wait: boolean,
    signal: AbortSignal,
    stopped: AbortSignal,
  ): Promise<readonly Delivery[]> {
    try {
      const deliveries =
        wait || !queue.isDoubtful
          ? await queue.source.subscription.receive(limit, { signal, wait })
          : await this.#probe(queue.source, limit, signal);
      if (deliveries.length > 0) failpoint('claim.after-exec-before-reply');
      if (deliveries.length > 0 || (wait && signal.aborted)) queue.answered();
      // A waiting `receive` returns nothing only if it was aborted, or if the broker is closed. A closed broker answers at
      // once, so polling it again without a wait would spin.
      else if (wait) queue.failed(nothingReceived(), stopped);
      return deliveries;
    } catch (error) {
      queue.failed(error, stopped);
      return [];
    }
  }

  /** The first poll after a failure: its answer is awaited for a moment only, because other queues wait for it. */
  async #probe({ subscription }: S, limit: number, signal: AbortSignal): Promise<readonly Delivery[]> {
    const enough = new AbortController();
    const stop = () => enough.abort();
    signal.addEventListener('abort', stop, { once: true });
    const timer = this.#clock.setTimeout(stop, PROBE_MS);
    try {
      return await subscription.receive(limit, { signal: enough.signal, wait: false });
    } finally {
      this.#clock.clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
  }

  /** Fetches from the only queue. With one queue there is nothing to share out: one waiting call is enough. */
  #pollOnly(only: QueueShare<S>, limit: number, signal: AbortSignal): Promise<readonly Delivery[]> {
    if (only.backoff !== undefined || only.source.isPaused) return this.#pollLater(only, limit, signal);
    return this.#receive(only, Math.min(limit + only.source.extra, RECEIVED_AT_ONCE), true, signal, signal);
  }

  /** Waits until the only queue may be read. */
  async #pollLater(only: QueueShare<S>, limit: number, signal: AbortSignal): Promise<readonly Delivery[]> {
    if (only.backoff !== undefined) await only.backoff;
    if (only.source.isPaused) await aborted(signal);
    return signal.aborted ? [] : this.#pollOnly(only, limit, signal);
  }

  async #pollOrWait(limit: number, signal: AbortSignal): Promise<readonly Fetched<S>[]> {
    const ready = await this.#pollOnce(limit, signal);
    return ready.length > 0 || signal.aborted ? ready : this.#waitForAny(limit, signal);
  }

  #pollOnce(limit: number, signal: AbortSignal): Promise<Fetched<S>[]> {
    return this.#strict ? this.#pollInOrder(limit, signal) : this.#pollByWeight(limit, signal);
  }

  async #pollInOrder(limit: number, signal: AbortSignal): Promise<Fetched<S>[]> {
    const fetched: Fetched<S>[] = [];
    let left = limit;
    for (const queue of await this.#ready(signal)) {
      const { extra } = queue.source;
      if (signal.aborted) break;
      if (left + extra === 0) continue;
      const deliveries = await this.#receive(queue, Math.min(left + extra, RECEIVED_AT_ONCE), false, signal, signal);
      if (deliveries.length > 0) fetched.push({ source: queue.source, deliveries });
      left -= Math.max(0, deliveries.length - extra);
    }
    return fetched;
  }

  async #pollByWeight(limit: number, signal: AbortSignal): Promise<Fetched<S>[]> {
    const fetched: Fetched<S>[] = [];
    let left = limit;
    let queues = await this.#ready(signal);
    const all = queues;
    const gave = new Set<QueueShare<S>>();
    for (const queue of all) queue.join(this.#pass);
    let isFirst = true;
    while ((left > 0 || isFirst) && queues.length > 0 && !signal.aborted) {
      const shares = [...this.#shares(queues, left)];
      if (isFirst) addExtra(shares, queues);
      const extraOf = isFirst ? (queue: QueueShare<S>) => queue.source.extra : () => 0;
      const mostOf = (queue: QueueShare<S>, share: number) => Math.min(share + extraOf(queue), RECEIVED_AT_ONCE);
      isFirst = false;
      const answers = await Promise.all(
        shares.map(([queue, share]) => this.#receive(queue, mostOf(queue, share), false, signal, signal)),
      );
      for (const [index, [queue, share]] of shares.entries()) {
        const deliveries = answers[index] as readonly Delivery[];
        const counted = Math.min(share, Math.max(0, deliveries.length - extraOf(queue)));
        queue.pass -= (share - counted) / queue.source.weight;
        left -= counted;
        queue.isIdle = deliveries.length < mostOf(queue, share);
        if (deliveries.length === 0) continue;
        fetched.push({ source: queue.source, deliveries });
        gave.add(queue);
      }
      // The unused share of an empty queue goes to the queues that have more messages.
      queues = queues.filter(({ isIdle }) => !isIdle);
    }
    const sharing = all.filter((queue) => !queue.isIdle || gave.has(queue)).map(({ pass }) => pass);
    if (sharing.length > 0) this.#pass = Math.min(...sharing);
    return fetched;
  }

  /** Shares out `limit` messages among the queues, and advances their passes by their shares. */
  #shares(queues: readonly QueueShare<S>[], limit: number): Map<QueueShare<S>, number> {
    const shares = new Map<QueueShare<S>, number>();
    for (let taken = 0; taken < limit; taken++) {
      const next = queues.reduce((behind, queue) => (queue.pass < behind.pass ? queue : behind));
      next.pass += 1 / next.source.weight;
      shares.set(next, (shares.get(next) ?? 0) + 1);
    }
    return shares;
  }

  /** All queues are empty: waits on all of them, until one has a message or a failed one may be polled again. */
  async #waitForAny(limit: number, stopped: AbortSignal): Promise<Fetched<S>[]> {
    const enough = newFetching();
    // Every queue calls it, and each `abort` would create an exception with its stack.
    const stop = () => {
      if (!enough.signal.aborted) enough.abort();
    };
    stopped.addEventListener('abort', stop, { once: true });
    const queues = this.#queues.filter(({ source }) => !source.isPaused && limit + source.extra > 0);
    if (queues.length === 0) await aborted(stopped);
    const share = limit === 0 ? 0 : Math.max(1, Math.floor(limit / Math.max(1, queues.length)));
    const awaited = queues.map(async (queue): Promise<Fetched<S>> => {
      const { source, backoff } = queue;
      if (backoff !== undefined) await Promise.race([backoff, aborted(enough.signal)]);
      const deliveries =
        backoff === undefined ? await this.#receive(queue, share + source.extra, true, enough.signal, stopped) : [];
      stop();
      return { source, deliveries };
    });
    try {
      return (await Promise.all(awaited)).filter(({ deliveries }) => deliveries.length > 0);
    } finally {
      stopped.removeEventListener('abort', stop);
    }
  }

  /** The queues that may have messages. With few queues all are polled, without this question. */
  async #ready(signal: AbortSignal): Promise<readonly QueueShare<S>[]> {
    const awake = this.#awake();
    if (awake.length < MANY_QUEUES) return awake;
    const ready = await Promise.all(
      awake.map(({ source: { subscription } }) => subscription.mayHaveMessages?.(signal)),
    );
    return awake.filter((queue, index) => {
      if (ready[index] !== false) return true;
      queue.isIdle = true;
      return false;
    });
  }

  #awake(): readonly QueueShare<S>[] {
    return this.#queues.filter(({ backoff, source }) => backoff === undefined && !source.isPaused);
  }
}

function nothingReceived(): BrokerUnavailableError {
  return new BrokerUnavailableError('the broker returned no message to a waiting call, as a closed broker does');
}

function fetchedFrom<S extends Source>(source: S, deliveries: readonly Delivery[]): readonly Fetched<S>[] {
  return deliveries.length === 0 ? [] : [{ source, deliveries }];
}

/** Adds the queues that have no share and may be fetched from nevertheless. */
function addExtra<S extends Source>(shares: [QueueShare<S>, number][], queues: readonly QueueShare<S>[]): void {
  for (const queue of queues)
    if (queue.source.extra > 0 && !shares.some(([known]) => known === queue)) shares.push([queue, 0]);
}

function newFetching(): AbortController {
  const fetching = new AbortController();
  // Every queue adds a listener. Above ten, Node would print a leak warning.
  setMaxListeners(0, fetching.signal);
  return fetching;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
