import { type Broker, type BrowsableState, type PageItem, pagesOf } from '@brokkr/core/adapter';
import type { Look } from '../api/types.ts';
import { ApiError } from '../http/api-error.ts';

/** How long a look is shown, and how many are kept. */
const KEPT_MS = 300_000;
const MOST_LOOKS = 20;
/** A look ends after so many bytes of bodies. */
const MOST_BYTES = 33_554_432;

/** Messages that a look may read: RabbitMQ marks ready ones as delivered once more. */
export const LOOK_LIMITS: Readonly<Record<BrowsableState, { readonly usual: number; readonly most: number }>> = {
  ready: { usual: 50, most: 50 },
  delayed: { usual: 500, most: 1_000 },
  dead: { usual: 1_000, most: 20_000 },
};

interface Kept {
  readonly at: number;
  readonly items: readonly PageItem[];
}

/**
 * Looks at the messages of a server that can only deliver. A look takes messages from the front of a queue and gives
 * them back, so it is made only if a user asks; all users share the last one for five minutes.
 */
export class Looks {
  readonly #now: () => number;
  readonly #kept = new Map<string, Kept>();
  readonly #busy = new Map<string, Promise<Kept>>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** What the last look showed, if it is not too old. */
  items(queue: string, state: BrowsableState): readonly PageItem[] | undefined {
    return this.#get(keyOf(queue, state))?.items;
  }

  describe(queue: string, state: BrowsableState): Look {
    const key = keyOf(queue, state);
    const at = this.#get(key)?.at;
    return { ...(at !== undefined && { at }), busy: this.#busy.has(key), cost: COSTS[state] };
  }

  /** Looks now, or waits for the look that is being made. @throws ApiError 501 if the broker cannot be looked into */
  async look({ inspector }: Broker, queue: string, state: BrowsableState, limit: number): Promise<readonly PageItem[]> {
    if (inspector === undefined) throw new ApiError(501, 'UNSUPPORTED', 'this broker cannot be looked into');
    const key = keyOf(queue, state);
    const busy = this.#busy.get(key);
    if (busy !== undefined) return (await busy).items;
    const looking = (async () => {
      const at = this.#now();
      const items: PageItem[] = [];
      let bytes = 0;
      for await (const page of pagesOf(inspector, queue, state, limit)) {
        items.push(...page);
        bytes += page.reduce((sum, { envelope }) => sum + envelope.body.byteLength, 0);
        if (bytes > MOST_BYTES) break;
      }
      return { at, items };
    })();
    this.#busy.set(key, looking);
    try {
      const kept = await looking;
      this.#keep(key, kept);
      return kept.items;
    } finally {
      this.#busy.delete(key);
    }
  }

  /** Messages that were changed are not shown any more. */
  forget(queue: string, ids: ReadonlySet<string> | 'all'): void {
    for (const state of ['ready', 'delayed', 'dead'] as const) {
      const key = keyOf(queue, state);
      const kept = this.#kept.get(key);
      if (kept === undefined) continue;
      if (ids === 'all') this.#kept.delete(key);
      else this.#kept.set(key, { ...kept, items: kept.items.filter(({ envelope }) => !ids.has(envelope.id)) });
    }
  }

  #get(key: string): Kept | undefined {
    const kept = this.#kept.get(key);
    return kept === undefined || this.#now() - kept.at > KEPT_MS ? undefined : kept;
  }

  #keep(key: string, kept: Kept): void {
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    for (const [oldest, { at }] of this.#kept) {
      if (this.#kept.size <= MOST_LOOKS && this.#now() - at <= KEPT_MS) break;
      this.#kept.delete(oldest);
    }
  }
}

const COSTS: Readonly<Record<BrowsableState, string>> = {
  ready:
    'A look takes the first 50 messages and gives them back at once. Each is marked as delivered one more time: after two crashes more it counts as dead.',
  delayed: 'A look takes the first messages of each delay and gives them back at once.',
  dead: 'A look takes the first letters and gives them back at once. Meanwhile no other program finds them.',
};

function keyOf(queue: string, state: BrowsableState): string {
  return `${state} ${queue}`;
}
