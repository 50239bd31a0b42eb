import type { Envelope } from '../broker/envelope.ts';
import { JOIN_HEADER } from '../broker/headers.ts';
import type { RecordStore } from '../broker/record-store.ts';
import { messageId } from '../message/message-id.ts';
import { withoutDebounceKey } from './debounce-key.ts';
import { freeKey } from './free-key.ts';
import {
  type Debounced,
  type DebounceRecord,
  type JoinMark,
  joinRecord,
  readDebounced,
  readMark,
  takenChange,
} from './join-record.ts';

/** What `moveJoined` works with. */
export interface MoveJoinedOptions {
  /** Opens the store that joins the messages. Is called only if one of them has a key there. */
  readonly records: () => Promise<RecordStore>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** How long the number of the last message of a debounced key is remembered, in milliseconds. */
  readonly keyTtlMs: number;
}

/** A message that is to be moved, as it is stored elsewhere. */
interface Leaving {
  readonly envelope: Envelope;
  /** Id of the message that is moved. A later send of its debounced key is stored under an id of its own. */
  readonly id: string;
  readonly mark: JoinMark | undefined;
  /** The record whose arguments a debounced message takes along. */
  readonly taken?: DebounceRecord | undefined;
}

/**
 * Moves messages to another broker with the newest arguments of debounced ones, and frees their keys. Otherwise later
 * sends would join messages that are gone.
 * @param move stores messages in the other broker. If it rejects, all keys are as before.
 */
export async function moveJoined(
  envelopes: readonly Envelope[],
  move: (envelopes: readonly Envelope[]) => Promise<unknown>,
  options: MoveJoinedOptions,
): Promise<void> {
  const keyless = envelopes.map((envelope) => ({ ...envelope, headers: withoutDebounceKey(envelope.headers) }));
  const found = keyless.map((envelope): Leaving => ({ envelope, id: envelope.id, mark: readMark(envelope) }));
  if (found.every(({ mark }) => mark === undefined)) {
    await move(keyless);
    return;
  }
  const records = await options.records();
  let leaving = await each(found, (one) => newestOf(one, records, options));
  while (leaving.length > 0) {
    await move(leaving.map(({ envelope }) => envelope));
    // Arguments that were sent in between follow as messages of their own.
    leaving = await each(leaving, (one) => leave(one, records, options));
  }
}

/** The message as it is stored elsewhere; `undefined` if another message of its key has taken its place. */
async function newestOf(
  leaving: Leaving,
  records: RecordStore,
  options: MoveJoinedOptions,
): Promise<Leaving | undefined> {
  const { envelope, id, mark } = leaving;
  if (mark === undefined) return leaving;
  const { [JOIN_HEADER]: _, ...headers } = envelope.headers;
  const unmarked = { ...envelope, headers };
  if (mark.kind === 'unique' || mark.kind === 'waiting') return { ...leaving, envelope: unmarked };
  const taken = readDebounced(await records.read(joinRecord(mark.digest)));
  const { current, ran } = taken;
  if (current?.marker === id) return { ...leaving, envelope: newest(unmarked, mark, current, options), taken };
  if (mark.kind === 'debounce' && (current !== undefined || ran >= mark.seq)) return undefined;
  return { ...leaving, envelope: unmarked };
}

/** The message with the newest arguments. It waits for as long as it would have here. */
function newest(envelope: Envelope, mark: JoinMark, current: Debounced, { now }: MoveJoinedOptions): Envelope {
  const { body, headers, rev, due, waitMs, expiresInMs } = current;
  const at = now();
  const leftMs = Math.min(due - at, waitMs);
  const dueAt = leftMs > 0 ? Math.ceil(at + leftMs) : undefined;
  const notBefore = mark.rev === rev ? envelope.notBefore : dueAt;
  const expiresAt = expiresInMs === undefined ? undefined : (notBefore ?? at) + expiresInMs;
  return { ...envelope, body, headers, notBefore, expiresAt };
}

/** Frees the key of a message that is stored elsewhere. @returns arguments that were sent since */
async function leave(leaving: Leaving, records: RecordStore, options: MoveJoinedOptions): Promise<Leaving | undefined> {
  const { envelope, id, mark, taken } = leaving;
  if (mark === undefined) return undefined;
  if (mark.kind === 'unique' || mark.kind === 'waiting') {
    await freeKey(records, id, mark);
    return undefined;
  }
  if (taken === undefined) return undefined;
  const [answer] = await records.change([takenChange(mark, taken.rev, options.keyTtlMs)]);
  if (answer?.changed === true) return undefined;
  const next = readDebounced(await records.read(joinRecord(mark.digest)));
  // A worker has taken the arguments, or an earlier change has taken effect and its answer was lost.
  if (next.current?.marker !== id) return undefined;
  const later = newest(envelope, { ...mark, rev: '' }, next.current, options);
  return { ...leaving, envelope: { ...later, id: messageId() }, taken: next };
}

async function each<T>(all: readonly T[], change: (one: T) => Promise<T | undefined>): Promise<T[]> {
  const changed = await Promise.all(all.map(change));
  return changed.filter((one) => one !== undefined);
}
