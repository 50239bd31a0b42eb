import {
  type BrowsableState,
  checkQueueName,
  PAGE_LIMIT,
  type Page,
  type PageItem,
  type PageOptions,
  type ServerClock,
  UnsupportedFeatureError,
} from '@brokkr/core/adapter';
import type { ConsumeMessage } from 'amqplib';
import type { Names } from '../topology/names.ts';
import { envelopeOf } from './envelope-of.ts';
import { PageCollector } from './page-collector.ts';
import { readCursor } from './page-cursor.ts';
import type { QueueLooks } from './queue-looks.ts';
import { withServerDeath } from './server-death.ts';
import type { SuspectCopies } from './suspect-copies.ts';

/** Messages of a queue that can be reached from its front: each page reads all messages before it. */
const MOST_BROWSED = 20_000;

export interface MessagePagesOptions {
  readonly looks: QueueLooks;
  readonly names: Names;
  readonly suspects: SuspectCopies;
  readonly clock: ServerClock;
}

interface Request {
  readonly collector: PageCollector;
  readonly resolve: (page: Page) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Shows messages page by page. RabbitMQ can only deliver, so a look takes messages from the front and gives them back.
 * Requests for the same messages that wait for a look share the next one.
 */
export class MessagePages {
  readonly #options: MessagePagesOptions;
  /** Requests that wait, while a look at the same messages is in progress. */
  readonly #waiting = new Map<string, Request[]>();

  constructor(options: MessagePagesOptions) {
    this.#options = options;
  }

  /** See `Inspector.page`. */
  async page(queue: string, state: BrowsableState, { limit, after, from }: PageOptions): Promise<Page> {
    checkQueueName(queue);
    if (from === 'newest') {
      throw new UnsupportedFeatureError(
        `queue ${queue}: RabbitMQ shows messages from the front only, so from must be 'oldest'; got 'newest'`,
        { code: 'NEWEST_UNSUPPORTED' },
      );
    }
    const size = Math.min(PAGE_LIMIT, Math.max(1, Math.floor(limit) || 1));
    const collector = new PageCollector(size, after === undefined ? undefined : readCursor(after));
    if (collector.from >= MOST_BROWSED) {
      throw new UnsupportedFeatureError(
        `queue ${queue}: RabbitMQ shows the first ${MOST_BROWSED} ${state} messages only; redrive, discard or move some of them first`,
        { code: 'PAGE_TOO_DEEP' },
      );
    }
    return this.#share(queue, state, collector);
  }

  #share(queue: string, state: BrowsableState, collector: PageCollector): Promise<Page> {
    const key = `${state} ${queue}`;
    return new Promise((resolve, reject) => {
      const request = { collector, resolve, reject };
      const waiting = this.#waiting.get(key);
      if (waiting !== undefined) {
        waiting.push(request);
        return;
      }
      this.#waiting.set(key, [request]);
      void this.#work(key, queue, state);
    });
  }

  async #work(key: string, queue: string, state: BrowsableState): Promise<void> {
    for (;;) {
      const requests = this.#waiting.get(key)?.splice(0) ?? [];
      if (requests.length === 0) break;
      try {
        const total = await this.#look(
          queue,
          state,
          requests.map(({ collector }) => collector),
        );
        for (const { collector, resolve } of requests) resolve(collector.page(total));
      } catch (error) {
        for (const { reject } of requests) reject(error);
      }
    }
    this.#waiting.delete(key);
  }

  /** Reads for all collectors, and returns how many messages there are. */
  async #look(queue: string, state: BrowsableState, collectors: readonly PageCollector[]): Promise<number> {
    const { looks, clock } = this.#options;
    await clock.knownSoon();
    const from = Math.min(...collectors.map((collector) => collector.from));
    const end = Math.max(...collectors.map((collector) => collector.end));
    let index = 0;
    for (const source of await looks.sources(queue, state)) {
      let count = await looks.count(source);
      // A look of another process hides messages from this count. A rung is empty far more often than it is looked at.
      const isHidden = count === 0 && state !== 'delayed';
      const isNeeded = isHidden || (count > 0 && index + count > from);
      if (index < end && isNeeded) {
        count = await this.#lookAt(source, queue, end - index, (message, offset) => {
          const { messageId } = message.properties as { readonly messageId?: unknown };
          const item = () => this.#item(message, queue, state);
          for (const collector of collectors) collector.read(index + offset, String(messageId), item);
        });
      }
      index += count;
    }
    return index;
  }

  /** Reads up to `limit` messages of one queue of the server, from its front. @returns how many it holds */
  async #lookAt(
    source: string,
    queue: string,
    limit: number,
    read: (message: ConsumeMessage, offset: number) => void,
  ): Promise<number> {
    const { looks, names, suspects } = this.#options;
    const isQuarantine = source === names.quarantine(queue);
    let before = 0;
    await looks.run(source, async (browser) => {
      before = await looks.count(source);
      if (before === 0) return;
      // Copies take the places of suspects. All are copied, or those that were not would be in front.
      const most = isQuarantine ? before : Math.min(limit, before);
      for (let seen = 0; seen < most; ) {
        const messages = await browser.next(most - seen);
        if (messages.length === 0) break;
        for (const [offset, message] of messages.entries()) read(message, seen + offset);
        seen += messages.length;
        if (isQuarantine) await suspects.replace(browser, messages, queue);
      }
      if (!isQuarantine) await browser.restOfRedelivered();
    });
    await looks.untilBack(source, before);
    return before;
  }

  #item(message: ConsumeMessage, queue: string, state: BrowsableState): PageItem {
    const { names, clock } = this.#options;
    const envelope = envelopeOf(message, queue, clock);
    if (state === 'dead') {
      return { envelope: withServerDeath(envelope, message, [names.queue(queue), names.quarantine(queue)]) };
    }
    return state === 'delayed' ? { envelope, dueAt: envelope.notBefore } : { envelope };
  }
}
