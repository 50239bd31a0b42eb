import type { Subscription } from '../broker/broker.ts';
import type { Delivery } from '../broker/delivery.ts';

/** A queue a worker serves, and its share of what is taken. */
export interface Source {
  readonly queue: string;
  readonly weight: number;
  readonly subscription: Subscription;
}

export interface Fetched<S extends Source> {
  readonly source: S;
  readonly deliveries: readonly Delivery[];
}

/** A source in the contest for the next message. */
interface Contender<S extends Source> {
  readonly source: S;
  /**
   * Stride scheduling (Waldspurger, Weihl 1995): each message taken moves a contender on by 1 / weight, and the one
   * that is furthest behind is next.
   */
  pass: number;
}

/** Takes messages from several queues by their weights, among those that have any ready. */
export class Fetcher<S extends Source> {
  readonly #contenders: readonly Contender<S>[];
  readonly #strict: boolean;

  constructor(sources: readonly S[], strict: boolean) {
    this.#contenders = sources.map((source) => ({ source, pass: 0 }));
    this.#strict = strict;
  }

  /**
   * Up to `limit` messages, waiting for one at least; with several queues a few more may come, when they become ready
   * at the same moment. None once aborted.
   * @throws what the broker rejected with, where nothing was received
   */
  async next(limit: number, signal: AbortSignal): Promise<readonly Fetched<S>[]> {
    const only = this.#contenders.length === 1 ? this.#contenders[0] : undefined;
    if (only !== undefined) {
      const deliveries = await only.source.subscription.receive(limit, { signal, wait: true });
      return [{ source: only.source, deliveries }];
    }
    const ready = this.#strict ? await this.#takeInOrder(limit, signal) : await this.#takeByWeight(limit, signal);
    return ready.length > 0 || signal.aborted ? ready : this.#waitForAny(limit, signal);
  }

  async #takeInOrder(limit: number, signal: AbortSignal): Promise<Fetched<S>[]> {
    const fetched: Fetched<S>[] = [];
    let left = limit;
    for (const { source } of this.#contenders) {
      if (left === 0) break;
      const deliveries = await source.subscription.receive(left, { signal, wait: false });
      if (deliveries.length > 0) fetched.push({ source, deliveries });
      left -= deliveries.length;
    }
    return fetched;
  }

  async #takeByWeight(limit: number, signal: AbortSignal): Promise<Fetched<S>[]> {
    const fetched: Fetched<S>[] = [];
    let left = limit;
    let contenders = this.#contenders;
    const empty = new Set<Contender<S>>();
    while (left > 0 && contenders.length > 0 && !signal.aborted) {
      const shares = this.#shares(contenders, left);
      const answers = await gather([...shares].map(([contender, share]) => this.#take(contender, share, signal)));
      for (const { contender, share, deliveries } of answers) {
        contender.pass -= (share - deliveries.length) / contender.source.weight;
        if (deliveries.length > 0) fetched.push({ source: contender.source, deliveries });
        left -= deliveries.length;
      }
      // A contender that gave less than its share is empty, and its share goes to those that are not.
      for (const { contender, share, deliveries } of answers) if (deliveries.length < share) empty.add(contender);
      contenders = contenders.filter((contender) => !empty.has(contender));
    }
    this.#catchUp(empty, contenders);
    return fetched;
  }

  async #take(
    contender: Contender<S>,
    share: number,
    signal: AbortSignal,
  ): Promise<{ contender: Contender<S>; share: number; deliveries: readonly Delivery[] }> {
    return {
      contender,
      share,
      deliveries: await contender.source.subscription.receive(share, { signal, wait: false }),
    };
  }

  /** How many of `limit` each contender may give, and their passes moved on by it. */
  #shares(contenders: readonly Contender<S>[], limit: number): Map<Contender<S>, number> {
    const shares = new Map<Contender<S>, number>();
    for (let taken = 0; taken < limit; taken++) {
      const next = contenders.reduce((behind, contender) => (contender.pass < behind.pass ? contender : behind));
      next.pass += 1 / next.source.weight;
      shares.set(next, (shares.get(next) ?? 0) + 1);
    }
    return shares;
  }

  /** A contender that stood empty has saved up no turns: it goes on where the others are. */
  #catchUp(empty: ReadonlySet<Contender<S>>, busy: readonly Contender<S>[]): void {
    if (busy.length === 0) return;
    const slowest = Math.min(...busy.map((contender) => contender.pass));
    for (const contender of empty) contender.pass = Math.max(contender.pass, slowest);
  }

  /** Nothing is ready anywhere: the first queue that has something ends the wait for all. */
  async #waitForAny(limit: number, signal: AbortSignal): Promise<Fetched<S>[]> {
    const enough = new AbortController();
    const stop = () => enough.abort();
    signal.addEventListener('abort', stop, { once: true });
    const share = Math.max(1, Math.floor(limit / this.#contenders.length));
    try {
      const answers = await gather(
        this.#contenders.map(async ({ source }): Promise<Fetched<S>> => {
          try {
            return {
              source,
              deliveries: await source.subscription.receive(share, { signal: enough.signal, wait: true }),
            };
          } finally {
            stop();
          }
        }),
      );
      return answers.filter(({ deliveries }) => deliveries.length > 0);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }
}

/** All answers; an error only where there is no answer at all: what the others brought must not be dropped. */
async function gather<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(promises);
  const answers = settled.filter((outcome) => outcome.status === 'fulfilled').map(({ value }) => value);
  const failure = settled.find((outcome) => outcome.status === 'rejected');
  if (answers.length === 0 && failure !== undefined) throw failure.reason;
  return answers;
}
