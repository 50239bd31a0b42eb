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

/** Taken at once: shares are dealt out one by one, and nothing else may happen meanwhile. */
const MOST_AT_ONCE = 1_000;

/** From so many queues on, they are asked which of them have messages, before messages are claimed from any. */
const MANY_QUEUES = 16;

/** Takes messages from several queues by their weights, among those that have any ready and can be read. */
export class Fetcher<S extends Source> {
  readonly #contenders: readonly QueueShare<S>[];
  readonly #strict: boolean;
  /** How far behind the last of those is that have something: who joins them goes on from here. */
  #pass = 0;

  constructor(sources: readonly S[], { strict, clock, onError }: FetcherOptions) {
    this.#contenders = sources.map((source) => new QueueShare(source, clock, onError));
    this.#strict = strict;
  }

  /**
   * Up to `limit` messages, waiting for one at least; with several queues a few more may come, when they become ready
   * at the same moment. None once aborted. Never rejects: what was received from one queue is kept whatever the others
   * answer.
   */
  async next(limit: number, signal: AbortSignal): Promise<readonly Fetched<S>[]> {
    const most = Math.min(limit, MOST_AT_ONCE);
    const only = this.#contenders.length === 1 ? this.#contenders[0] : undefined;
    while (!signal.aborted) {
      const fetched = await (only === undefined ? this.#takeOrWait(most, signal) : this.#takeFrom(only, most, signal));
      if (fetched.length > 0) return fetched;
    }
    return [];
  }

  /** The usual case, and the quickest: a single queue need not be asked whether it has any before it is waited for. */
  async #takeFrom(only: QueueShare<S>, limit: number, signal: AbortSignal): Promise<readonly Fetched<S>[]> {
    if (only.rest !== undefined) await only.rest;
    if (signal.aborted) return [];
    const deliveries = await only.take(limit, true, signal, signal);
    return deliveries.length === 0 ? [] : [{ source: only.source, deliveries }];
  }

  async #takeOrWait(limit: number, signal: AbortSignal): Promise<readonly Fetched<S>[]> {
    const ready = await (this.#strict ? this.#takeInOrder(limit, signal) : this.#takeByWeight(limit, signal));
    return ready.length > 0 || signal.aborted ? ready : this.#waitForAny(limit, signal);
  }

  async #takeInOrder(limit: number, signal: AbortSignal): Promise<Fetched<S>[]> {
    const fetched: Fetched<S>[] = [];
    let left = limit;
    for (const contender of await this.#ready(signal)) {
      if (left === 0 || signal.aborted) break;
      const deliveries = await contender.take(left, false, signal, signal);
      if (deliveries.length > 0) fetched.push({ source: contender.source, deliveries });
      left -= deliveries.length;
    }
    return fetched;
  }

  async #takeByWeight(limit: number, signal: AbortSignal): Promise<Fetched<S>[]> {
    const fetched: Fetched<S>[] = [];
    let left = limit;
    let contenders = await this.#ready(signal);
    const all = contenders;
    const gave = new Set<QueueShare<S>>();
    for (const contender of all) contender.join(this.#pass);
    while (left > 0 && contenders.length > 0 && !signal.aborted) {
      const shares = [...this.#shares(contenders, left)];
      const answers = await Promise.all(
        shares.map(([contender, share]) => contender.take(share, false, signal, signal)),
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
      // The share of one that has no more goes to those that have.
      contenders = contenders.filter(({ isIdle }) => !isIdle);
    }
    const inContest = all.filter((contender) => !contender.isIdle || gave.has(contender)).map(({ pass }) => pass);
    if (inContest.length > 0) this.#pass = Math.min(...inContest);
    return fetched;
  }

  /** How many of `limit` each contender may give, and their passes moved on by it. */
  #shares(contenders: readonly QueueShare<S>[], limit: number): Map<QueueShare<S>, number> {
    const shares = new Map<QueueShare<S>, number>();
    for (let taken = 0; taken < limit; taken++) {
      const next = contenders.reduce((behind, contender) => (contender.pass < behind.pass ? contender : behind));
      next.pass += 1 / next.source.weight;
      shares.set(next, (shares.get(next) ?? 0) + 1);
    }
    return shares;
  }

  /** Nothing is ready anywhere: the first queue that has something, or has rested, ends the wait for all. */
  async #waitForAny(limit: number, stopped: AbortSignal): Promise<Fetched<S>[]> {
    const enough = new AbortController();
    // Each of any number of queues listens to it.
    setMaxListeners(0, enough.signal);
    // Every queue calls it, and each `abort` would create an exception with its stack.
    const stop = () => {
      if (!enough.signal.aborted) enough.abort();
    };
    stopped.addEventListener('abort', stop, { once: true });
    const share = Math.max(1, Math.floor(limit / this.#contenders.length));
    const awaited = this.#contenders.map(async (contender): Promise<Fetched<S>> => {
      const { source, rest } = contender;
      if (rest !== undefined) await Promise.race([rest, aborted(enough.signal)]);
      const deliveries = rest === undefined ? await contender.take(share, true, enough.signal, stopped) : [];
      stop();
      return { source, deliveries };
    });
    try {
      return (await Promise.all(awaited)).filter(({ deliveries }) => deliveries.length > 0);
    } finally {
      stopped.removeEventListener('abort', stop);
    }
  }

  /** The queues that may have messages. With few queues, each is asked for its messages at once. */
  async #ready(signal: AbortSignal): Promise<readonly QueueShare<S>[]> {
    const awake = this.#awake();
    if (awake.length < MANY_QUEUES) return awake;
    const ready = await Promise.all(awake.map((share) => share.mayHaveMessages(signal)));
    return awake.filter((share, index) => {
      if (ready[index] === false) share.isIdle = true;
      return ready[index];
    });
  }

  #awake(): readonly QueueShare<S>[] {
    return this.#contenders.filter(({ rest }) => rest === undefined);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
