import { type Broker, type Envelope, type Inspector, PAGE_LIMIT, pagesOf, redriveEnvelope } from '@brokkr/core/adapter';
import type { Done } from '../api/types.ts';
import { ApiError } from '../http/api-error.ts';

/** How a change of many letters is followed and stopped. */
export interface ChangeOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onBatch?:
    | ((progress: { readonly done: number; readonly looked: number }) => Promise<void> | void)
    | undefined;
}

export type Change = { readonly do: 'retry' | 'discard' } | { readonly do: 'move'; readonly to: string };

/** @throws ApiError 501 if the broker has no inspector */
export function inspectorOf({ inspector }: Broker): Inspector {
  if (inspector !== undefined) return inspector;
  throw new ApiError(501, 'UNSUPPORTED', 'this broker cannot be looked into');
}

/**
 * Changes the letters of `ids`.
 *
 * @returns how many, and the ids that are no dead letters of this queue
 */
export async function changeByIds(
  broker: Broker,
  queue: string,
  ids: readonly string[],
  change: Change,
): Promise<Done> {
  const inspector = inspectorOf(broker);
  if (change.do !== 'move' && broker.messages !== undefined) {
    const found = await broker.messages.find(queue, ids);
    const dead = found.filter(({ state }) => state === 'dead').map(({ envelope }) => envelope.id);
    const done = dead.length === 0 ? 0 : await apply(inspector, queue, dead, change.do);
    return { done, missing: except(ids, dead) };
  }
  const wanted = new Set(ids);
  const met = new Set<string>();
  const done = await changeMatching(broker, queue, ({ id }) => wanted.has(id) && met.add(id) !== undefined, change);
  return { done, missing: except(ids, [...met]) };
}

/** Changes the letters for which `matches` returns true, or all of them, in batches. What is not reached stays as it is. */
export async function changeMatching(
  broker: Broker,
  queue: string,
  matches: ((letter: Envelope) => boolean) | undefined,
  change: Change,
  options: ChangeOptions = {},
): Promise<number> {
  const inspector = inspectorOf(broker);
  if (change.do === 'move') return move(broker, inspector, queue, matches ?? (() => true), change.to, options);
  const bulk = { signal: options.signal, onBatch: options.onBatch };
  const which = matches ?? 'all';
  // The page and the CLI say `retry`; the code says `redrive`.
  return change.do === 'retry' ? inspector.redrive(queue, which, bulk) : inspector.discard(queue, which, bulk);
}

/** How many letters match. @param most ends the count above it @returns `undefined` if `signal` ended it before */
export async function countMatching(
  broker: Broker,
  queue: string,
  matches: ((letter: Envelope) => boolean) | undefined,
  most: number,
  { signal, onBatch }: ChangeOptions,
): Promise<number | undefined> {
  const inspector = inspectorOf(broker);
  if (matches === undefined) return (await inspector.counts(queue)).dead ?? 0;
  let matched = 0;
  let looked = 0;
  if (inspector.browsing === 'front') {
    // Page by page each one would read all pages before it. A redrive that chooses no letter reads each once.
    const ended = new AbortController();
    const stop = AbortSignal.any([ended.signal, ...(signal === undefined ? [] : [signal])]);
    const count = (letter: Envelope): boolean => {
      if (matches(letter) && ++matched > most) ended.abort();
      return false;
    };
    await inspector.redrive(queue, count, { signal: stop, onBatch });
    return signal?.aborted ? undefined : matched;
  }
  for await (const items of pagesOf(inspector, queue, 'dead')) {
    looked += items.length;
    matched += items.filter(({ envelope }) => matches(envelope)).length;
    if (matched > most) return matched;
    await onBatch?.({ done: 0, looked });
    if (signal?.aborted) return undefined;
  }
  return matched;
}

/**
 * Sends letters to another queue as ready messages, and then removes them: a letter is in both queues if the dashboard
 * dies in between, and never in none.
 */
async function move(
  broker: Broker,
  inspector: Inspector,
  queue: string,
  matches: (letter: Envelope) => boolean,
  to: string,
  { signal, onBatch }: ChangeOptions,
): Promise<number> {
  let done = 0;
  let looked = 0;
  const moved = new Set<string>();
  const take = async (letters: readonly Envelope[]): Promise<void> => {
    for (let at = 0; at < letters.length && !signal?.aborted; at += PAGE_LIMIT) {
      const part = letters.slice(at, at + PAGE_LIMIT);
      // Without its idempotency key, which would make the broker refuse the copy: it belongs to the message in `queue`.
      const copies = part.map((letter) => {
        const { id, body, headers } = redriveEnvelope(letter, to, Date.now());
        return { id, queue: to, body, headers };
      });
      await broker.publish(copies);
      for (const { id } of part) moved.add(id);
      done += await inspector.discard(
        queue,
        part.map(({ id }) => id),
      );
    }
  };
  if (inspector.browsing === 'front') {
    const chosen: Envelope[] = [];
    for await (const items of pagesOf(inspector, queue, 'dead')) {
      chosen.push(...items.map(({ envelope }) => envelope).filter(matches));
      looked += items.length;
      await onBatch?.({ done, looked });
      if (signal?.aborted) return done;
    }
    for (let at = 0; at < chosen.length && !signal?.aborted; at += PAGE_LIMIT) {
      await take(chosen.slice(at, at + PAGE_LIMIT));
      await onBatch?.({ done, looked });
    }
    return done;
  }
  for await (const items of pagesOf(inspector, queue, 'dead')) {
    looked += items.length;
    await take(items.map(({ envelope }) => envelope).filter((letter) => !moved.has(letter.id) && matches(letter)));
    await onBatch?.({ done, looked });
    if (signal?.aborted) break;
  }
  return done;
}

function apply(
  inspector: Inspector,
  queue: string,
  ids: readonly string[],
  what: 'retry' | 'discard',
): Promise<number> {
  return what === 'retry' ? inspector.redrive(queue, ids) : inspector.discard(queue, ids);
}

export function except(ids: readonly string[], others: readonly string[]): readonly string[] {
  const known = new Set(others);
  return ids.filter((id) => !known.has(id));
}
