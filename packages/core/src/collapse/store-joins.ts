import { randomUUID } from 'node:crypto';
import type { PublishReceipt } from '../broker/broker.ts';
import type { Envelope } from '../broker/envelope.ts';
import type { RecordStore } from '../broker/record-store.ts';
import type { CollapseSettings } from './collapse-options.ts';
import { collapseKey } from './collapsed-envelope.ts';
import { type Debounced, debouncedFields, joinDigest, joinRecord, readDebounced, withMark } from './join-record.ts';

/** A debounced message that is overdue for so long may be lost: the next send stores another one in its place. */
const LOST_AFTER_MS = 60_000;

/** Stores a message. Its error says whether it may be stored. */
export type PublishOne = (envelope: Envelope) => Promise<PublishReceipt>;

export interface StoreJoinsOptions {
  /** Opens the store. @throws ConfigError (`STORE_MISSING`) that names task and option */
  readonly records: (need: { readonly task: string; readonly option: string }) => Promise<RecordStore>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** How long a key is remembered after its message is due, in milliseconds. */
  readonly keyTtlMs: number;
  /** Whether an error means that the message is not stored. */
  readonly isNotStored: (error: unknown) => boolean;
}

interface Sending {
  readonly records: RecordStore;
  readonly key: string;
  readonly digest: string;
  readonly envelope: Envelope;
  readonly publish: PublishOne;
}

/** Joins messages of the same key by a store, for brokers that cannot do it themselves. */
export class StoreJoins {
  readonly #options: StoreJoinsOptions;

  constructor(options: StoreJoinsOptions) {
    this.#options = options;
  }

  /** Stores a message, unless it is joined with another. @throws what `publish` throws, ConfigError (`STORE_MISSING`) */
  async send(
    envelope: Envelope,
    task: string,
    settings: CollapseSettings,
    publish: PublishOne,
  ): Promise<PublishReceipt> {
    const { option } = settings;
    const records = await this.#options.records({ task, option });
    // The window of a throttled key holds in every queue, as that of an idempotency key does.
    const digest = joinDigest(option, option === 'throttle' ? '' : envelope.queue, collapseKey(task, settings));
    const sending: Sending = { records, key: joinRecord(digest), digest, envelope, publish };
    if (settings.option === 'debounce') return this.#debounce(sending, settings.maxWaitMs);
    if (settings.option === 'throttle') return this.#own(sending, envelope, settings.windowMs);
    const kind = settings.isWaiting ? 'waiting' : 'unique';
    const dueInMs = Math.max(0, (envelope.notBefore ?? 0) - this.#options.now());
    const marked = withMark(envelope, { kind, digest, seq: 0, rev: '' });
    return this.#own(sending, marked, dueInMs + this.#options.keyTtlMs);
  }

  /** Stores the message if no other one owns the key. */
  async #own(sending: Sending, envelope: Envelope, ttlMs: number): Promise<PublishReceipt> {
    const { records, key } = sending;
    const owner = new Map([['owner', Buffer.from(envelope.id)]]);
    for (;;) {
      const [answer] = await records.change([{ key, expect: new Map([['owner', undefined]]), set: owner, ttlMs }]);
      if (answer?.changed === true) break;
      const found = (await records.read(key, ['owner'])).get('owner');
      // It may have ended since; or it is ours, and the answer to our change was lost.
      const id = found && Buffer.from(found).toString();
      if (id === envelope.id) break;
      if (id !== undefined) return { id, isNew: false };
    }
    return this.#publish(sending, envelope, owner);
  }

  async #debounce(sending: Sending, maxWaitMs = Number.POSITIVE_INFINITY): Promise<PublishReceipt> {
    const { records, key, digest, envelope } = sending;
    const rev = randomUUID();
    for (;;) {
      const { current, ran, rev: before } = readDebounced(await records.read(key));
      const now = this.#options.now();
      // Our own change took effect, and its answer was lost.
      const isOurs = current?.rev === rev;
      const isNew = isOurs
        ? current.marker === envelope.id
        : current === undefined || current.due + LOST_AFTER_MS < now;
      const { marker, seq, first } =
        current !== undefined && !isNew
          ? current
          : { marker: envelope.id, seq: isOurs ? current.seq : Math.max(ran, current?.seq ?? 0) + 1, first: now };
      const wanted = envelope.notBefore ?? now;
      const due = isNew ? wanted : Math.min(wanted, first + maxWaitMs);
      const { body, headers, expiresAt } = envelope;
      const waitMs = Math.max(0, Math.ceil(due - now));
      const next: Debounced = { marker, seq, rev, first, due, waitMs, body, headers, expiresAt };
      const expect = new Map([['rev', before]]);
      const ttlMs = waitMs + this.#options.keyTtlMs;
      if (!isOurs) {
        const [answer] = await records.change([{ key, expect, set: debouncedFields(next), ttlMs }]);
        if (answer?.changed !== true) continue;
      }
      if (!isNew) return { id: marker, isNew: false, isReplacement: true };
      const marked = withMark(envelope, { kind: 'debounce', digest, seq, rev });
      return this.#publish(sending, marked, new Map([['rev', Buffer.from(rev)]]));
    }
  }

  /** Publishes the message that has the key. If it is certainly not stored, frees the key for the next one. */
  async #publish({ records, key, publish }: Sending, envelope: Envelope, expect: ReadonlyMap<string, Uint8Array>) {
    try {
      return await publish(envelope);
    } catch (error) {
      // A failure here leaves the key until it expires. The error of the sender is the one that matters.
      if (this.#options.isNotStored(error)) await records.change([{ key, expect, ttlMs: 0 }]).catch(() => undefined);
      throw error;
    }
  }
}
