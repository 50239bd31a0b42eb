import { randomUUID } from 'node:crypto';
import type { PublishReceipt } from '../broker/broker.ts';
import type { Envelope } from '../broker/envelope.ts';
import { FORGET_HEADER } from '../broker/headers.ts';
import { isQueueName } from '../broker/names.ts';
import type { RecordChange, RecordStore } from '../broker/record-store.ts';
import { pause } from '../clock/pause.ts';
import { systemClock } from '../clock/system-clock.ts';
import { BrokerUnavailableError } from '../errors/errors.ts';
import type { CollapseSettings } from './collapse-options.ts';
import { collapseKey } from './collapsed-envelope.ts';
import {
  DEBOUNCED_FIELDS,
  debouncedFields,
  joinDigest,
  joinRecord,
  readDebounced,
  STORED,
  withMark,
} from './join-record.ts';

/** A debounced message that is overdue for so long may be lost: the next send stores another one in its place. */
const LOST_AFTER_MS = 60_000;
/** A key whose sender died before it stored its message is free after this time beyond the timeout of a send. */
const PENDING_MS = 5_000;
/** How often a sender asks whether another one has stored the message of its key: at first, and at most. */
const FIRST_ASK_MS = 5;
const LAST_ASK_MS = 500;

const NEVER = new AbortController().signal;

/** Stores a message. Its error says whether it may be stored. */
export type PublishOne = (envelope: Envelope) => Promise<PublishReceipt>;

export interface StoreJoinsOptions {
  /** Opens the store. @throws ConfigError (`STORE_MISSING`) that names task and option */
  readonly records: (need: { readonly task: string; readonly option: string }) => Promise<RecordStore>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Longest time for storing a message, in milliseconds. */
  readonly sendTimeoutMs: number;
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

/**
 * Joins messages of the same key by a store, for brokers that cannot do it themselves. The key is taken first, for a short
 * time: until its message is stored, other senders wait. A sender that dies in between takes no trigger with it.
 */
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
    const set = new Map([...owner, ['queue', Buffer.from(envelope.queue)]]);
    const turn = this.#turns();
    for (;;) {
      const free = new Map([['owner', undefined]]);
      const [answer] = await records.change([{ key, expect: free, set, ttlMs: this.#pendingMs }]);
      if (answer?.changed === true) break;
      const fields = await records.read(key, ['owner', 'queue', STORED]);
      const found = fields.get('owner');
      // It may have ended since; or it is ours, and the answer to our change was lost.
      const id = found && Buffer.from(found).toString();
      if (id === envelope.id) break;
      if (id !== undefined && fields.has(STORED)) return { id, isNew: false, ...otherQueue(fields, envelope.queue) };
      if (id !== undefined) await turn();
    }
    const receipt = await this.#publish(sending, envelope, { expect: owner, ttlMs: 0 });
    await this.#stored(sending, owner, ttlMs);
    return receipt;
  }

  async #debounce(sending: Sending, maxWaitMs = Number.POSITIVE_INFINITY): Promise<PublishReceipt> {
    const { records, key, digest, envelope } = sending;
    const rev = randomUUID();
    const turn = this.#turns();
    for (;;) {
      const { current, ran, rev: before } = readDebounced(await records.read(key));
      const now = this.#options.now();
      // Our own change took effect, and its answer was lost.
      const isOurs = current?.rev === rev;
      if (current !== undefined && !current.isStored && !isOurs) {
        await turn();
        continue;
      }
      const isNew = isOurs
        ? current.marker === envelope.id
        : current === undefined || current.next + LOST_AFTER_MS < now;
      const { marker, seq, first } =
        current !== undefined && !isNew
          ? current
          : { marker: envelope.id, seq: isOurs ? current.seq : Math.max(ran, current?.seq ?? 0) + 1, first: now };
      const wanted = envelope.notBefore ?? now;
      const due = isNew ? wanted : Math.min(wanted, first + maxWaitMs);
      const { body, expiresAt } = envelope;
      const headers = isNew ? envelope.headers : withForget(envelope.headers, current?.headers);
      const waitMs = Math.max(0, Math.ceil(due - now));
      const expiresInMs = expiresAt === undefined ? undefined : expiresAt - wanted;
      const next = isNew || current === undefined ? due : current.next;
      const newest = { marker, seq, rev, first, due, waitMs, next, body, headers, expiresInMs, isStored: !isNew };
      const ttlMs = waitMs + this.#options.keyTtlMs;
      if (!isOurs) {
        const expect = new Map([['rev', before]]);
        const change = { key, expect, set: debouncedFields(newest), ttlMs: isNew ? this.#pendingMs : ttlMs };
        const [answer] = await records.change([isNew ? { ...change, remove: [STORED] } : change]);
        if (answer?.changed !== true) continue;
      }
      if (!isNew) return { id: marker, isNew: false, isReplacement: true };
      const mine = new Map([['rev', Buffer.from(rev)]]);
      // It is stored again with the newest arguments, and their end, when it is due.
      const lasting = { ...envelope, expiresAt: undefined };
      const marked = withMark(lasting, { kind: 'debounce', digest, seq, rev });
      // The number of the last run stays: earlier messages that come back see that it has run.
      const receipt = await this.#publish(sending, marked, { expect: mine, remove: DEBOUNCED_FIELDS, ttlMs });
      await this.#stored(sending, mine, ttlMs);
      return receipt;
    }
  }

  get #pendingMs(): number {
    return this.#options.sendTimeoutMs + PENDING_MS;
  }

  /** The message is stored. If the store fails now, the key is free after a while, and the next send is a message of its own. */
  async #stored({ records, key }: Sending, expect: ReadonlyMap<string, Uint8Array>, ttlMs: number): Promise<void> {
    const set = new Map([[STORED, Buffer.from('1')]]);
    await records.change([{ key, expect, set, ttlMs }]).catch(() => undefined);
  }

  /**
   * Waits for another sender, a little longer each time. In real time: it waits for a server, also in tests.
   * @returns a function that throws BrokerUnavailableError once no sender can have been at work for so long
   */
  #turns(): () => Promise<void> {
    const endAt = systemClock.monotonic() + 2 * this.#pendingMs;
    let waitMs = FIRST_ASK_MS;
    return async () => {
      if (systemClock.monotonic() > endAt) {
        const problem = 'other senders of the same key could not store their messages; this one is not stored';
        throw new BrokerUnavailableError(problem, { mayBeStored: false });
      }
      await pause(systemClock, waitMs, NEVER);
      waitMs = Math.min(2 * waitMs, LAST_ASK_MS);
    };
  }

  /** Publishes the message that has the key. If it is certainly not stored, frees the key for the next one. */
  async #publish({ records, key, publish }: Sending, envelope: Envelope, freeing: Omit<RecordChange, 'key'>) {
    try {
      return await publish(envelope);
    } catch (error) {
      // A failure here leaves the key until it expires. The error of the sender is the one that matters.
      if (this.#options.isNotStored(error)) await records.change([{ key, ...freeing }]).catch(() => undefined);
      throw error;
    }
  }
}

/** The queue of the message that has a key, if it is not this one. Any program may write to the store. */
function otherQueue(fields: ReadonlyMap<string, Uint8Array>, queue: string): { readonly queue?: string } {
  const named = Buffer.from(fields.get('queue') ?? []).toString();
  return isQueueName(named) && named !== queue ? { queue: named } : {};
}

/**
 * The headers of the newest send, and the note that the worker removes once the message has ended: the scheduler that wrote
 * the note waits for this message, also if another sender has replaced the arguments.
 */
function withForget(headers: Envelope['headers'], before: Envelope['headers'] = {}): Envelope['headers'] {
  const note = before[FORGET_HEADER];
  return note === undefined ? headers : { [FORGET_HEADER]: note, ...headers };
}
