import type { Logger } from 'pino';
import type { Delivery } from '../broker/delivery.ts';
import type { Envelope } from '../broker/envelope.ts';
import { JOIN_HEADER, REDRIVEN_HEADER, TASK_HEADER } from '../broker/headers.ts';
import type { RecordStore } from '../broker/record-store.ts';
import type { Settlement } from '../broker/settlement.ts';
import { backoff } from '../clock/backoff.ts';
import type { Clock } from '../clock/clock.ts';
import { pause } from '../clock/pause.ts';
import { BrokkrError } from '../errors/brokkr-error.ts';
import { BrokerUnavailableError } from '../errors/errors.ts';
import { freeKey } from './free-key.ts';
import {
  type Debounced,
  type JoinMark,
  joinRecord,
  readDebounced,
  readMark,
  takenChange,
  withMark,
} from './join-record.ts';

/** A key that could not be freed is tried again for so long. */
const FREE_FOR_MS = 600_000;

export interface JoinKeeperOptions {
  /** Opens the store. @throws ConfigError (`STORE_MISSING`) that names task and option */
  readonly records: (need: { readonly task: string; readonly option: string }) => Promise<RecordStore>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long the number of the last message of a debounced key is remembered, in milliseconds. */
  readonly keyTtlMs: number;
}

/** The worker's side of messages that a store joins: what happens before a run, and before an end is settled. */
export class JoinKeeper {
  readonly #options: JoinKeeperOptions;
  readonly #freeing = new Set<Promise<void>>();
  readonly #closing = new AbortController();

  constructor(options: JoinKeeperOptions) {
    this.#options = options;
  }

  /**
   * Decides whether a message with a mark runs now. Waits for a store that is unreachable, until `signal` aborts.
   * @returns the settlement of a message that does not run now; `undefined`: run it
   */
  async refusalOf(delivery: Delivery, signal: AbortSignal): Promise<Settlement | undefined> {
    const mark = readMark(delivery.envelope);
    if (mark === undefined || mark.kind === 'unique') return undefined;
    const records = await this.#records(delivery, mark);
    for (let waitMs = backoff(0); ; waitMs = backoff(waitMs)) {
      try {
        if (mark.kind !== 'waiting') return await this.#refusalOfDebounced(records, delivery, mark, true);
        await freeKey(records, delivery.envelope.id, mark);
        return undefined;
      } catch (error) {
        if (!(BrokkrError.is(error) && error.name === BrokerUnavailableError.name) || signal.aborted) throw error;
        this.#options.logger.warn({ error, waitMs }, 'the store of joined messages is unreachable; trying again');
        await pause(this.#options.clock, waitMs, signal);
      }
    }
  }

  /** Whether a settlement ends a message that may have a key, which has to be freed before. Called for each settlement. */
  endsOwner({ kind, delivery: { envelope } }: Settlement): boolean {
    if (!(JOIN_HEADER in envelope.headers) || kind === 'retry' || kind === 'release') return false;
    const mark = readMark(envelope)?.kind;
    // A debounced message that was acknowledged has run: its arguments were taken, and its key freed, before.
    return mark !== undefined && (mark === 'unique' || mark === 'waiting' || kind !== 'ack');
  }

  /**
   * Frees the key of a message that ends. Never rejects: if the store is unreachable, the key of a unique message is tried
   * again beside the worker.
   * @returns the settlement, or another one: newer arguments of a debounced key need the message that was to carry them
   */
  async ended(settlement: Settlement): Promise<Settlement> {
    const freeing = this.#ended(settlement);
    const freed = freeing.then(() => undefined);
    this.#freeing.add(freed);
    const decided = await freeing;
    this.#freeing.delete(freed);
    return decided;
  }

  /** The worker ends: keys that could not be freed are tried once more. Resolves once no key is being freed. */
  async finished(): Promise<void> {
    this.#closing.abort();
    while (this.#freeing.size > 0) await Promise.all(this.#freeing);
  }

  async #ended(settlement: Settlement): Promise<Settlement> {
    const { delivery } = settlement;
    const mark = readMark(delivery.envelope);
    if (mark?.kind !== 'debounce' && mark?.kind !== 'taken') {
      if (mark !== undefined) await this.#free(delivery, mark);
      return settlement;
    }
    try {
      return (await this.#refusalOfDebounced(await this.#records(delivery, mark), delivery, mark, false)) ?? settlement;
    } catch (error) {
      const { id, queue } = delivery.envelope;
      this.#options.logger.warn(
        { error, task: { id, queue } },
        'the key of a debounced message could not be freed; it is free a minute after the message was due',
      );
      return settlement;
    }
  }

  async #free(delivery: Delivery, mark: JoinMark): Promise<void> {
    try {
      await freeKey(await this.#records(delivery, mark), delivery.envelope.id, mark);
    } catch (error) {
      const { id, queue } = delivery.envelope;
      this.#options.logger.warn(
        { error, task: { id, queue } },
        'the key of a unique message could not be freed; trying again for ten minutes',
      );
      const later = this.#freeLater(delivery, mark).finally(() => this.#freeing.delete(later));
      this.#freeing.add(later);
    }
  }

  /** The settlement does not wait for it. Sends of the key are duplicates until it is freed. */
  async #freeLater(delivery: Delivery, mark: JoinMark): Promise<void> {
    const { clock } = this.#options;
    const giveUpAt = clock.monotonic() + FREE_FOR_MS;
    for (let waitMs = backoff(0); clock.monotonic() < giveUpAt; waitMs = backoff(waitMs)) {
      await pause(clock, waitMs, this.#closing.signal);
      const isLast = this.#closing.signal.aborted;
      try {
        await freeKey(await this.#records(delivery, mark), delivery.envelope.id, mark);
        return;
      } catch {
        // The first failure was logged.
        if (isLast) return;
      }
    }
  }

  #records({ envelope: { headers } }: Delivery, { kind }: JoinMark): Promise<RecordStore> {
    const option = kind === 'unique' || kind === 'waiting' ? 'unique' : 'debounce';
    return this.#options.records({ task: headers[TASK_HEADER] ?? '', option });
  }

  /**
   * The message carries the arguments of its first send. When it is due, it is stored again with the newest ones, then
   * these are taken by compare-and-set: a worker that dies on the way loses none, and a send that comes between is seen.
   */
  async #refusalOfDebounced(
    records: RecordStore,
    delivery: Delivery,
    mark: JoinMark,
    isStart: boolean,
  ): Promise<Settlement | undefined> {
    const { envelope } = delivery;
    const key = joinRecord(mark.digest);
    for (;;) {
      const { current, ran, rev } = readDebounced(await records.read(key));
      if (current?.marker !== envelope.id) {
        // It waited, for a limit, until senders took it for lost. It would run after the later one.
        if (isStart && mark.kind === 'taken' && isPassed(delivery, mark, current, ran))
          return { kind: 'ack', delivery };
        if (mark.kind !== 'debounce') return undefined;
        // A later message of the key has taken its place, or has run.
        if (current !== undefined || ran >= mark.seq) return { kind: 'ack', delivery };
        // The record is lost. The message runs with its own arguments, once it has its permits.
        return take(delivery, mark, delivery.envelope);
      }
      // For the revision of its mark it has waited: the broker delivered it no earlier.
      const now = this.#options.clock.now();
      const waitMs = mark.rev === current.rev ? 0 : Math.min(current.due - now, current.waitMs);
      if (waitMs > 0) {
        const notBefore = Math.ceil(now + waitMs);
        // Senders see that it is not lost.
        const next = new Map([['next', Buffer.from(String(notBefore))]]);
        const change = { key, expect: new Map([['rev', rev]]), set: next, ttlMs: waitMs + this.#options.keyTtlMs };
        if ((await records.change([change]))[0]?.changed !== true) continue;
        return wait(delivery, mark, current, notBefore);
      }
      if (mark.kind !== 'taken' || mark.rev !== current.rev) return carry(delivery, mark, current, now);
      const [answer] = await records.change([takenChange(mark, rev, this.#options.keyTtlMs)]);
      if (answer?.changed === true) return undefined;
    }
  }
}

/** Whether a later message of the key is stored, or has run. An operator who redrives a message wants it to run anyway. */
function isPassed({ envelope }: Delivery, { seq }: JoinMark, current: Debounced | undefined, ran: number): boolean {
  if (REDRIVEN_HEADER in envelope.headers) return false;
  return ran > seq || (current?.isStored === true && current.seq > seq);
}

/**
 * Delays the message for the newest revision, once: two hosts whose clocks differ would disagree forever about when it is
 * due.
 */
function wait(delivery: Delivery, mark: JoinMark, { rev }: Debounced, notBefore: number): Settlement {
  const replacement = withMark({ ...delivery.envelope, notBefore }, { ...mark, kind: 'debounce', rev });
  return { kind: 'retry', delivery, replacement };
}

/** Stores the message again, with the newest arguments. Their `expiresIn` counts from when they were due. */
function carry(delivery: Delivery, mark: JoinMark, newestSent: Debounced, now: number): Settlement {
  const { rev, body, headers, due, expiresInMs } = newestSent;
  const expiresAt = expiresInMs === undefined ? undefined : Math.min(now, due) + expiresInMs;
  return take(delivery, { ...mark, rev }, { ...delivery.envelope, body, headers, expiresAt });
}

/** Stores the message again as one that carries its arguments. */
function take(delivery: Delivery, mark: JoinMark, { notBefore, ...envelope }: Envelope): Settlement {
  return { kind: 'retry', delivery, replacement: withMark(envelope, { ...mark, kind: 'taken' }) };
}
