import { setTimeout as sleep } from 'node:timers/promises';
import { checkQueueName, type BrowsableState } from '@brokkr/core/adapter';
import type { Connection } from '../connection/connection.ts';
import type { QueueProbe } from '../connection/queue-probe.ts';
import type { Names } from '../topology/names.ts';
import { findRoutedKeys } from './find-routed-keys.ts';
import { findRungs } from './find-rungs.ts';
import type { LookLock } from './look-lock.ts';
import { QueueBrowser } from './queue-browser.ts';

/** How long messages may take to return to their queue after a look. */
const BACK_WITHIN_MS = 2_000;
const BACK_AGAIN_MS = 5;

export interface QueueLooksOptions {
  /** Reads and acknowledges messages. */
  readonly connection: Connection;
  /** Publishes. An alarm may stop it, so it is never the connection that acknowledges. */
  readonly publishing: Connection;
  readonly names: Names;
  readonly probe: QueueProbe;
  readonly lock: LookLock;
}

/** Reads queues from their front, one look at each of them at a time. */
export class QueueLooks {
  readonly #options: QueueLooksOptions;

  constructor(options: QueueLooksOptions) {
    this.#options = options;
  }

  /**
   * Names on the server of the queues that hold messages of a state, in the order in which they are shown.
   * @throws ConfigError for a name that is not a queue name
   */
  async sources(queue: string, state: BrowsableState): Promise<readonly string[]> {
    checkQueueName(queue);
    const { names } = this.#options;
    if (state === 'dead') return [names.dead(queue)];
    if (state === 'ready') return [names.queue(queue), names.quarantine(queue)];
    return (await this.withLadders([queue])).has(queue) ? this.rungs(queue) : [];
  }

  /** Those of `queues` that have a delay ladder. Two questions for all: each that is missing would cost a channel. */
  async withLadders(queues: readonly string[]): Promise<ReadonlySet<string>> {
    const { names, probe, publishing } = this.#options;
    return (await probe.hasExchange(names.rungs)) ? findRoutedKeys(publishing, names.rungs, queues) : new Set();
  }

  /** Names on the server of the rungs of a queue's ladder that exist, shortest waits first. */
  rungs(queue: string): Promise<readonly string[]> {
    const { names, publishing } = this.#options;
    return findRungs(publishing, names, queue);
  }

  /** Ready messages of a queue of the server; 0 if it does not exist. */
  count(source: string): Promise<number> {
    return this.#options.probe.ready(source);
  }

  /**
   * Runs `use` with a browser of `source`, while no other process looks at that queue. Messages that `use` does not
   * acknowledge return to their places when it ends: the channel closes, which is never a nack.
   */
  run<T>(source: string, use: (browser: QueueBrowser) => Promise<T>): Promise<T> {
    const { connection, lock, names } = this.#options;
    return lock.run(names.lookLock(source), () =>
      connection.withChannel((channel) => use(new QueueBrowser(channel, source, connection))),
    );
  }

  /**
   * Waits until `source` holds `expected` messages again: the server returns those of a channel after it has answered the
   * channel's close.
   */
  async untilBack(source: string, expected: number): Promise<void> {
    const giveUpAt = performance.now() + BACK_WITHIN_MS;
    while (performance.now() < giveUpAt && (await this.count(source)) < expected) await sleep(BACK_AGAIN_MS);
  }
}
