import {
  type BrowsableState,
  type BulkOptions,
  type Envelope,
  type Inspector,
  type LetterChoice,
  type Page,
  type PageOptions,
  PAGE_LIMIT,
  type QueueCounts,
  type QueueReport,
  type ServerClock,
} from '@brokkr/core/adapter';
import { declarationError, isMissing } from '../connection/amqp-errors.ts';
import type { Connection } from '../connection/connection.ts';
import { QueueProbe } from '../connection/queue-probe.ts';
import type { Addresses } from '../publishing/addresses.ts';
import type { Publisher } from '../publishing/publisher.ts';
import type { Names } from '../topology/names.ts';
import { DeadLetters } from './dead-letters.ts';
import { envelopeOf } from './envelope-of.ts';
import { LookLock } from './look-lock.ts';
import { MessagePages } from './message-pages.ts';
import { QueueCensus } from './queue-census.ts';
import { QueueLooks } from './queue-looks.ts';
import { SuspectCopies } from './suspect-copies.ts';

export interface AmqpInspectorOptions {
  /** Names of the known queues. */
  readonly queues: () => readonly string[];
  readonly connection: Connection;
  /** Publishes. An alarm may stop it, so it is never the connection that acknowledges. */
  readonly publishing: Connection;
  readonly names: Names;
  readonly addresses: Addresses;
  readonly publisher: Publisher;
  readonly clock: ServerClock;
}

/** Counts, shows and moves messages for people and tools. It needs no management plugin. */
export class AmqpInspector implements Inspector {
  readonly browsing = 'front';
  readonly #options: AmqpInspectorOptions;
  readonly #looks: QueueLooks;
  readonly #census: QueueCensus;
  readonly #suspects: SuspectCopies;
  readonly #pages: MessagePages;
  readonly #deadLetters: DeadLetters;

  constructor(options: AmqpInspectorOptions) {
    this.#options = options;
    const { connection, publishing, names } = options;
    const reading = {
      ...{ connection, publishing, names },
      probe: new QueueProbe(connection),
      lock: new LookLock(connection, publishing),
    };
    const looks = new QueueLooks(reading);
    this.#looks = looks;
    this.#census = new QueueCensus({ ...reading, looks });
    this.#suspects = new SuspectCopies(options);
    this.#pages = new MessagePages({ looks, names, suspects: this.#suspects, clock: options.clock });
    this.#deadLetters = new DeadLetters({ ...options, looks });
  }

  async queues(): Promise<readonly string[]> {
    return this.#options.queues();
  }

  counts(queue: string): Promise<QueueCounts> {
    return this.#census.counts(queue);
  }

  countsOf(
    queues: readonly string[],
    options?: { readonly delayed?: boolean | undefined },
  ): Promise<readonly QueueReport[]> {
    return this.#census.countsOf(queues, options);
  }

  page(queue: string, state: BrowsableState, options: PageOptions): Promise<Page> {
    return this.#pages.page(queue, state, options);
  }

  async take(
    queue: string,
    limit: number,
    move: (envelopes: readonly Envelope[]) => Promise<void>,
    { from = 'waiting' }: { readonly from?: 'waiting' | 'dead' | undefined } = {},
  ): Promise<number> {
    await this.#options.clock.knownSoon();
    const states: readonly BrowsableState[] = from === 'dead' ? ['dead'] : ['ready', 'delayed'];
    let taken = 0;
    for (const state of states) {
      for (const source of await this.#looks.sources(queue, state)) {
        if (taken < limit) taken += await this.#takeOf(source, queue, limit - taken, move);
      }
    }
    return taken;
  }

  bury(queue: string, letters: readonly Envelope[]): Promise<void> {
    return this.#deadLetters.bury(queue, letters);
  }

  redrive(queue: string, which: LetterChoice, options?: BulkOptions): Promise<number> {
    return this.#deadLetters.redrive(queue, which, options);
  }

  discard(queue: string, which: LetterChoice, options?: BulkOptions): Promise<number> {
    return this.#deadLetters.discard(queue, which, options);
  }

  /** Without `removing`, the server removes the messages itself: it reads none of them. */
  async purge(queue: string, removing?: (envelopes: readonly Envelope[]) => Promise<void>): Promise<number> {
    if (removing !== undefined) await this.#options.clock.knownSoon();
    let purged = 0;
    for (const source of await this.#looks.sources(queue, 'ready')) {
      if (removing === undefined) purged += await this.#purgeOf(source);
      else purged += await this.#takeOf(source, queue, Number.POSITIVE_INFINITY, removing);
    }
    return purged;
  }

  /** Moves messages of one queue of the server: those that are ready now, and up to `most`. */
  async #takeOf(
    source: string,
    queue: string,
    most: number,
    move: (envelopes: readonly Envelope[]) => Promise<void>,
  ): Promise<number> {
    const limit = Math.min(most, await this.#looks.count(source));
    if (limit === 0) return 0;
    const isQuarantine = source === this.#options.names.quarantine(queue);
    return this.#looks.run(source, async (browser) => {
      let moved = 0;
      while (moved < limit) {
        const messages = await browser.next(Math.min(PAGE_LIMIT, limit - moved));
        if (messages.length === 0) break;
        try {
          await move(messages.map((message) => envelopeOf(message, queue, this.#options.clock)));
        } catch (error) {
          if (isQuarantine) await this.#suspects.replace(browser, messages, queue);
          throw error;
        }
        await browser.ack(messages);
        moved += messages.length;
      }
      return moved;
    });
  }

  /** Removes the ready messages of a queue of the server, if it exists. */
  async #purgeOf(source: string): Promise<number> {
    const { connection } = this.#options;
    try {
      const purged = await connection.withChannel((channel) =>
        connection.withTimeout(Promise.resolve(channel.purgeQueue(source))),
      );
      return purged.messageCount;
    } catch (error) {
      if (isMissing(error)) return 0;
      throw declarationError(`queue ${source}`, error, connection.address);
    }
  }
}
