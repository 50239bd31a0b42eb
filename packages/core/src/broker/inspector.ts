import type { Envelope } from './envelope.ts';

/**
 * How many messages a queue holds now (`ready`, `delayed`, `running`, `dead`), and how many have come and gone since it
 * began. A figure that the server does not know is left out, never zero. A delayed message is ready once it is due, also
 * if no consumer has come since. If `capabilities.counts` is `exact`:
 * published = acknowledged + dead + discarded + purged + cancelled + expired + (ready + delayed + running).
 */
export interface QueueCounts {
  readonly ready?: number | undefined;
  readonly delayed?: number | undefined;
  readonly running?: number | undefined;
  readonly dead?: number | undefined;
  readonly published?: number | undefined;
  readonly acknowledged?: number | undefined;
  /** Removed by `discard`, or replaced by another message with the same id. */
  readonly discarded?: number | undefined;
  /** Removed by `purge`, or moved away by `take`. */
  readonly purged?: number | undefined;
  readonly cancelled?: number | undefined;
  readonly expired?: number | undefined;
  /**
   * How long the first ready message that was delayed is overdue, in milliseconds. Only if it is not among the ready
   * messages in line, because no consumer has come since.
   */
  readonly overdueMs?: number | undefined;
  /** Consumers that the server counts on the queue now. */
  readonly consumers?: number | undefined;
}

/** States whose messages can be shown: no worker holds them. Running messages are counted, and found by id. */
export type BrowsableState = 'ready' | 'delayed' | 'dead';

/** Which messages a page shows. */
export interface PageOptions {
  /** Messages of this page, 1 to 500. */
  readonly limit: number;
  /** `next` of the page before. @default the first page */
  readonly after?: string | undefined;
  /** @default 'oldest' */
  readonly from?: 'oldest' | 'newest' | undefined;
}

/** A message on a page: a copy, with the time it becomes ready if it is delayed. */
export interface PageItem {
  readonly envelope: Envelope;
  /** Epoch milliseconds by this host's clock. */
  readonly dueAt?: number | undefined;
}

/** Messages of one page, and where the next page begins. */
export interface Page {
  readonly items: readonly PageItem[];
  /** Opaque; pass it as `after`. Left out on the last page. A page may be empty and still have a next one. */
  readonly next?: string | undefined;
}

/** Dead letters to redrive or discard: those named, all of them, or those for which a function returns true. */
export type LetterChoice = readonly string[] | 'all' | ((letter: Envelope) => boolean);

/** How `redrive` and `discard` work through many dead letters. */
export interface BulkOptions {
  /** Ends the work after the batch in progress; what was done stays done. */
  readonly signal?: AbortSignal | undefined;
  /** Letters that are changed in one step, 1 to 500. @default 500 */
  readonly batch?: number | undefined;
  /** Called after each batch with the letters changed and looked at so far; awaited before the next one. */
  readonly onBatch?:
    | ((progress: { readonly done: number; readonly looked: number }) => void | Promise<void>)
    | undefined;
}

/** Counts of one queue among many. If the queue could not be read, `error` says why and the counts are left out. */
export interface QueueReport extends QueueCounts {
  readonly queue: string;
  readonly error?: Error | undefined;
}

/**
 * The part of a broker that people and tools ask: queues, counts, dead letters. No message passes through it. No call
 * reads more than 500 messages from the server at once: longer work is done in steps of that size.
 */
export interface Inspector {
  /**
   * `free`: a look at messages changes nothing. `front`: the server can only deliver, so a look takes messages from the
   * front of the queue and returns them to their places. Until then no worker receives them. The server may mark them as
   * redelivered, which counts one crash. Looks at one queue wait for each other, and page 10 takes pages 1 to 10.
   */
  readonly browsing: 'free' | 'front';

  /** Names of the queues that hold or held messages. If the server cannot list them: those that this process has used. */
  queues(): Promise<readonly string[]>;

  counts(queue: string): Promise<QueueCounts>;

  /**
   * Counts of many queues in few round trips. A queue that cannot be read has an `error`; the others are complete.
   * @param options.delayed `false` leaves out the delayed messages if counting them is expensive. @default true
   */
  countsOf(
    queues: readonly string[],
    options?: { readonly delayed?: boolean | undefined },
  ): Promise<readonly QueueReport[]>;

  /** One page of messages in their order. Nothing is lost, moved or counted. */
  page(queue: string, state: BrowsableState, options: PageOptions): Promise<Page>;

  /**
   * Moves up to `limit` ready, then delayed messages elsewhere; with `from: 'dead'` dead letters. Messages are removed
   * only after `move` has resolved for them; if it rejects, they stay. A delayed message carries the `notBefore` it still
   * has to wait for, by this host's clock.
   * @returns how many were removed
   */
  take(
    queue: string,
    limit: number,
    move: (envelopes: readonly Envelope[]) => Promise<void>,
    options?: { readonly from?: 'waiting' | 'dead' | undefined },
  ): Promise<number>;

  /**
   * Stores dead letters that `take` removed from another broker, in their order and as they are: no worker runs them. A
   * broker that finds messages by their ids does not store a letter again. Left out if the broker cannot store letters.
   */
  bury?(queue: string, letters: readonly Envelope[]): Promise<void>;

  /**
   * Puts dead letters back, as `redriveEnvelope` makes them.
   * @returns how many
   * @throws ConfigError (`LETTER_CHOICE_INVALID`) as `checkLetterChoice`, before a letter is changed
   */
  redrive(queue: string, which: LetterChoice, options?: BulkOptions): Promise<number>;

  /** Removes dead letters. @returns how many @throws as `redrive` */
  discard(queue: string, which: LetterChoice, options?: BulkOptions): Promise<number>;

  /**
   * Removes the messages that are ready when it begins. Later ones may stay.
   * @param removing gets messages before they are removed, at most 500 at once: a store keeps their keys. They are removed
   * only after it has resolved; if it rejects, they stay, and `purge` rejects. Only a broker that does not join messages itself
   * (`capabilities.collapse`) is given one. @default the messages are not read
   * @returns how many were removed
   */
  purge(queue: string, removing?: (envelopes: readonly Envelope[]) => Promise<void>): Promise<number>;
}
