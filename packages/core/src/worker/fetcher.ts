import { setMaxListeners } from 'node:events';
import type { Delivery } from '../broker/delivery.ts';
import type { Clock } from '../clock/clock.ts';
import { QueueShare, type OnFetchError } from './queue-share.ts';
import type { Source } from './source.ts';

export interface Fetched<S extends Source> {
  readonly source: S;
  /** One at least. */
  readonly deliveries: readonly Delivery[];
}

export interface FetcherOptions {
  /** Empty the first queue before the next, in place of weights. */
  readonly strict: boolean;
  readonly clock: Clock;
  readonly onError: OnFetchError;
}

/** Most messages of one fetch: shares are dealt out one by one, which blocks the event loop. */
const MOST_AT_ONCE = 1_000;

/** Takes messages from several queues by their weights, among the queues that have ready messages and can be read. */
export class Fetcher<S extends Source> {
  readonly #contenders: readonly QueueShare<S>[];
  readonly #strict: boolean;
  /** The pass of the queue that is furthest behind, of those that have messages. A queue that joins them begins there. */
  #pass = 0;
  /** Ends pending fetches when a queue is paused or resumed, and when the caller's signal aborts. */
  #fetching = new AbortController();
  #stopped: AbortSignal | undefined;

  constructor(sources: readonly S[], { strict, clock, onError }: FetcherOptions) {
    this.#contenders = sources.map((source) => new QueueShare(source, clock, onError));
    this.#strict = strict;
  }

  /**
   * Takes up to `limit` messages, and waits until there is at least one. With several queues a few more may come, if they
   * become ready at the same moment. Returns none once `stopped` is aborted. Never rejects: messages of one queue are
   * kept, whatever the other queues answer.
   */
  async next(limit: number, stopped: AbortSignal): Promise<readonly Fetched<S>[]> {
    const most = Math.min(limit, MOST_AT_ONCE);
    const only = this.#contenders.length === 1 ? this.#contenders[0] : undefined;
    this.#follow(stopped);
    while (!stopped.aborted) {
      const { signal } = this.#fetching;
      const fetched = await (only === undefined
        ? this.#takeOrWait(most, signal, stopped)
        : this.#takeFrom(only, most, signal, stopped));
      if (fetched.length > 0) return fetched;
    }
    return [];
  }

  /** Ends pending fetches, because `isPaused` of a source has changed. */
  pausesChanged(): void {
    for (const contender of this.#contenders) if (contender.source.isPaused) contender.isIdle = true;
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

  /** Fast path: a single queue is waited for at once, without a look whether it has ready messages. */
  async #takeFrom(
    only: QueueShare<S>,
    limit: number,
    signal: AbortSignal,
    stopped: AbortSignal,
  ): Promise<readonly Fetched<S>[]> {
    if (only.rest !== undefined) await only.rest;
    if (only.source.isPaused) await aborted(signal);
    if (signal.aborted) return [];
    const deliveries = await only.take(limit, true, signal, stopped);
    return deliveries.length === 0 ? [] : [{ source: only.source, deliveries }];
  }

  async #takeOrWait(limit: number, signal: AbortSignal, stopped: AbortSignal): Promise<readonly Fetched<S>[]> {
    const ready = await (this.#strict
      ? this.#takeInOrder(limit, signal, stopped)
      : this.#takeByWeight(limit, signal, stopped));
    return ready.length > 0 || signal.aborted ? ready : this.#waitForAny(limit, signal, stopped);
  }

  async #takeInOrder(limit: number, signal: AbortSignal, stopped: AbortSignal): Promise<Fetched<S>[]> {
    const fetched: Fetched<S>[] = [];
    let left = limit;
    for (const contender of this.#awake()) {
      if (left === 0) break;
      const deliveries = await contender.take(left, false, signal, stopped);
      if (deliveries.length > 0) fetched.push({ source: contender.source, deliveries });
      left -= deliveries.length;
    }
    return fetched;
  }

  async #takeByWeight(limit: number, signal: AbortSignal, stopped: AbortSignal): Promise<Fetched<S>[]> {
    const fetched: Fetched<S>[] = [];
    let left = limit;
    let contenders = this.#awake();
    const all = contenders;
    const gave = new Set<QueueShare<S>>();
    for (const contender of all) contender.join(this.#pass);
    while (left > 0 && contenders.length > 0 && !signal.aborted) {
      const shares = [...this.#shares(contenders, left)];
      const answers = await Promise.all(
        shares.map(([contender, share]) => contender.take(share, false, signal, stopped)),
      );
      for (const [index, [contender, share]] of shares.entries()) {
        const deliveries = answers[index] as readonly Delivery[];
        contender.pass -= (share - deliveries.length) / contender.source.weight;
        left -= deliveries.length;
        contender.isIdle = deliveries.length < share;
        if (deliveries.length === 0) continue;
        fetched.push({ source: contender.source, deliveries });
        gave.add(contender);
      }
      // The share of a queue that has no more messages goes to the others.
      contenders = contenders.filter(({ isIdle }) => !isIdle);
    }
    const inContest = all.filter((contender) => !contender.isIdle || gave.has(contender)).map(({ pass }) => pass);
    if (inContest.length > 0) this.#pass = Math.min(...inContest);
    return fetched;
  }

  /** Deals out `limit` to the contenders, and moves their passes on. */
  #shares(contenders: readonly QueueShare<S>[], limit: number): Map<QueueShare<S>, number> {
    const shares = new Map<QueueShare<S>, number>();
    for (let taken = 0; taken < limit; taken++) {
      const next = contenders.reduce((behind, contender) => (contender.pass < behind.pass ? contender : behind));
      next.pass += 1 / next.source.weight;
      shares.set(next, (shares.get(next) ?? 0) + 1);
    }
    return shares;
  }

  /** No queue has ready messages: the first one that has some, or whose backoff has ended, ends the wait for all. */
  async #waitForAny(limit: number, signal: AbortSignal, stopped: AbortSignal): Promise<Fetched<S>[]> {
    const enough = newFetching();
    const stop = () => enough.abort();
    signal.addEventListener('abort', stop, { once: true });
    const contenders = this.#contenders.filter(({ source }) => !source.isPaused);
    if (contenders.length === 0) await aborted(signal);
    const share = Math.max(1, Math.floor(limit / Math.max(1, contenders.length)));
    const awaited = contenders.map(async (contender): Promise<Fetched<S>> => {
      const { source, rest } = contender;
      if (rest !== undefined) await Promise.race([rest, aborted(enough.signal)]);
      const deliveries = rest === undefined ? await contender.take(share, true, enough.signal, stopped) : [];
      stop();
      return { source, deliveries };
    });
    try {
      return (await Promise.all(awaited)).filter(({ deliveries }) => deliveries.length > 0);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** The queues that may be read now. */
  #awake(): readonly QueueShare<S>[] {
    return this.#contenders.filter(({ rest, source }) => rest === undefined && !source.isPaused);
  }
}

function newFetching(): AbortController {
  const fetching = new AbortController();
  // Each of any number of queues listens to it.
  setMaxListeners(0, fetching.signal);
  return fetching;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
