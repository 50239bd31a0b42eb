import type { BrokerCapabilities } from '../broker/broker.ts';
import type { Envelope } from '../broker/envelope.ts';
import type { Inspector } from '../broker/inspector.ts';
import type { RecordChange, RecordStore } from '../broker/record-store.ts';
import { freeingChange } from './free-key.ts';
import { type JoinMark, joinRecord, readMark, takenChange } from './join-record.ts';

/** What `purgeJoined` works with. */
export interface PurgeJoinedOptions {
  /** Those of the broker. If it joins messages itself, their keys are free without a store. */
  readonly capabilities: BrokerCapabilities;
  /** Opens the store that joins the messages; `undefined` without one. Called only if the broker does not join them. */
  readonly records: () => Promise<RecordStore | undefined>;
  /** How long the number of the last message of a debounced key is remembered, in milliseconds. */
  readonly keyTtlMs: number;
}

/** A message that has a mark. */
interface Joined {
  readonly id: string;
  readonly mark: JoinMark;
}

/**
 * Removes the ready messages of queues, and frees the keys that a store keeps for them. Sends that were joined with a
 * removed message are removed with it.
 *
 * A key is freed before its message is removed. If the process dies in between, the message runs without its key, and a
 * second one may run beside it; in the other order, its key would keep later sends away until it expires.
 *
 * @returns how many messages were removed
 * @throws BrokerUnavailableError if the broker or the store is unreachable: messages whose keys were not freed stay
 */
export async function purgeJoined(
  inspector: Inspector,
  queues: readonly string[],
  { capabilities, records, keyTtlMs }: PurgeJoinedOptions,
): Promise<number> {
  const store = capabilities.collapse === true ? undefined : await records();
  const removing =
    store === undefined ? undefined : (envelopes: readonly Envelope[]) => freeKeys(envelopes, store, keyTtlMs);
  const purged = await Promise.all(queues.map((queue) => inspector.purge(queue, removing)));
  return purged.reduce((sum, count) => sum + count, 0);
}

/** Frees the keys of messages, in two round trips for all of them unless a send comes between. */
async function freeKeys(envelopes: readonly Envelope[], records: RecordStore, keyTtlMs: number): Promise<void> {
  const joined = envelopes.flatMap((envelope): readonly Joined[] => {
    const mark = readMark(envelope);
    return mark === undefined ? [] : [{ id: envelope.id, mark }];
  });
  const owners: RecordChange[] = [];
  let debounced: Joined[] = [];
  for (const one of joined) {
    if (one.mark.kind === 'unique' || one.mark.kind === 'waiting') owners.push(freeingChange(one.id, one.mark));
    else debounced.push(one);
  }
  if (owners.length > 0) await records.change(owners);
  // A send that comes between the two steps is joined with a message that is removed: the next round removes its arguments.
  while (debounced.length > 0) debounced = await removeArguments(debounced, records, keyTtlMs);
}

/**
 * Removes the arguments that debounced messages were to carry, so that the next send of their keys is a new message.
 * @returns the messages whose record was changed at the same time
 */
async function removeArguments(
  debounced: readonly Joined[],
  records: RecordStore,
  keyTtlMs: number,
): Promise<Joined[]> {
  const found = await Promise.all(
    debounced.map(({ mark }) => records.read(joinRecord(mark.digest), ['marker', 'rev'])),
  );
  // Other records belong to a later message of the key, or their arguments were taken before.
  const carrying = debounced.flatMap((one, index) => {
    const marker = found[index]?.get('marker');
    if (marker === undefined || Buffer.from(marker).toString() !== one.id) return [];
    return [{ one, change: takenChange(one.mark, found[index]?.get('rev'), keyTtlMs) }];
  });
  if (carrying.length === 0) return [];
  const answers = await records.change(carrying.map(({ change }) => change));
  return carrying.flatMap(({ one }, index) => (answers[index]?.changed === true ? [] : [one]));
}
