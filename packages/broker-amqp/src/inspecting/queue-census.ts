import { setTimeout as sleep } from 'node:timers/promises';
import { checkQueueName, type QueueCounts, type QueueReport } from '@brokkr/core/adapter';
import type { Connection } from '../connection/connection.ts';
import type { QueueProbe } from '../connection/queue-probe.ts';
import type { Names } from '../topology/names.ts';
import type { LookLock } from './look-lock.ts';
import type { QueueLooks } from './queue-looks.ts';

/** Queues between two checks for looks. Fewer checks would miss a look that begins and ends between them. */
const CHUNK = 50;
/** While one of them waits for its checks, the other is counted. */
const CHUNKS_AT_ONCE = 2;
/** How long a count waits for a look to end. */
const LOOK_ENDS_WITHIN_MS = 2_000;
const AGAIN_MS = 20;
const NONE: ReadonlySet<string> = new Set();

export interface QueueCensusOptions {
  readonly connection: Connection;
  readonly publishing: Connection;
  readonly names: Names;
  readonly probe: QueueProbe;
  readonly lock: LookLock;
  readonly looks: QueueLooks;
}

/**
 * Counts the messages of queues. AMQP has no figures for running messages, nor for messages that have ended: they are
 * left out.
 */
export class QueueCensus {
  readonly #options: QueueCensusOptions;

  constructor(options: QueueCensusOptions) {
    this.#options = options;
  }

  /** @throws ConfigError for a name that is not a queue name; BrokerUnavailableError if the queue cannot be read */
  async counts(queue: string): Promise<QueueCounts> {
    const [report] = await this.countsOf([queue], { delayed: true });
    const { queue: _, error, ...counts } = report as QueueReport;
    if (error !== undefined) throw error;
    return counts;
  }

  /**
   * Counts many queues. Queues that were not reached within twice the timeout of the connection have an error.
   * @throws BrokerUnavailableError if there is no connection
   */
  async countsOf(queues: readonly string[], { delayed = true }: { readonly delayed?: boolean | undefined } = {}) {
    const { connection } = this.#options;
    await connection.ready();
    const giveUpAt = performance.now() + 2 * connection.timeoutMs;
    const chunks: (readonly QueueReport[])[] = Array.from({ length: Math.ceil(queues.length / CHUNK) }, () => []);
    let next = 0;
    const work = async () => {
      for (let at = next++; at < chunks.length; at = next++) {
        chunks[at] = await this.#chunk(queues.slice(at * CHUNK, (at + 1) * CHUNK), delayed, giveUpAt);
      }
    };
    await Promise.all(Array.from({ length: CHUNKS_AT_ONCE }, work));
    return chunks.flat();
  }

  async #chunk(queues: readonly string[], delayed: boolean, giveUpAt: number): Promise<readonly QueueReport[]> {
    const before = performance.now() > giveUpAt ? NONE : await this.#lookedAt(queues);
    const ladders = delayed ? this.#ladders(queues) : undefined;
    const reports = await Promise.all(
      queues.map((queue) => this.#count(queue, ladders, giveUpAt).catch((error: Error) => ({ queue, error }))),
    );
    const after = performance.now() > giveUpAt ? NONE : await this.#lookedAt(queues);
    return Promise.all(
      reports.map(async (report): Promise<QueueReport> => {
        const isHidden = before.has(report.queue) || after.has(report.queue);
        if ('error' in report || !isHidden) return report;
        const dead = await this.#afterLook(report.queue).catch((error: Error) => error);
        return typeof dead === 'number' ? { ...report, dead } : { queue: report.queue, error: dead };
      }),
    );
  }

  /** Those of `queues` that have a delay ladder; `undefined` if that cannot be asked. */
  #ladders(queues: readonly string[]): Promise<ReadonlySet<string> | undefined> {
    const { looks, publishing } = this.#options;
    // During an alarm for memory or disk the server stops all publishing, and a question is a message.
    if (publishing.isBlocked) return Promise.resolve(undefined);
    const ladders = looks.withLadders(queues.filter(isQueueName));
    // Each count awaits it, but only once the figures of its queue are there.
    ladders.catch(() => undefined);
    return ladders;
  }

  async #count(
    queue: string,
    ladders: Promise<ReadonlySet<string> | undefined> | undefined,
    giveUpAt: number,
  ): Promise<QueueReport> {
    checkQueueName(queue);
    const { names, probe } = this.#options;
    const line = await probe.queue(names.queue(queue), giveUpAt);
    const quarantined = await probe.ready(names.quarantine(queue), giveUpAt);
    const dead = await probe.ready(names.dead(queue), giveUpAt);
    const delayed = await this.#delayed(queue, await ladders);
    return {
      queue,
      ready: (line?.messageCount ?? 0) + quarantined,
      ...(delayed !== undefined && { delayed }),
      dead,
      consumers: line?.consumerCount ?? 0,
    };
  }

  /** @param ladders the queues that have a ladder; `undefined`: not to be counted */
  async #delayed(queue: string, ladders: ReadonlySet<string> | undefined): Promise<number | undefined> {
    const { looks } = this.#options;
    if (ladders === undefined) return undefined;
    if (!ladders.has(queue)) return 0;
    const counts = await Promise.all((await looks.rungs(queue)).map((rung) => looks.count(rung)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Counts dead letters while no process looks at them: a look hides them for milliseconds. */
  async #afterLook(queue: string): Promise<number> {
    const { looks, names } = this.#options;
    const giveUpAt = performance.now() + LOOK_ENDS_WITHIN_MS;
    for (;;) {
      const wasLookedAt = (await this.#lookedAt([queue])).size > 0;
      const count = await looks.count(names.dead(queue));
      const isLookedAt = wasLookedAt || (await this.#lookedAt([queue])).size > 0;
      if (!isLookedAt || performance.now() > giveUpAt) return count;
      await sleep(AGAIN_MS);
    }
  }

  /** Those of `queues` whose dead letters a process looks at now. */
  async #lookedAt(queues: readonly string[]): Promise<ReadonlySet<string>> {
    const { lock, names } = this.#options;
    const locks = queues.map((queue) => names.lookLock(names.dead(queue)));
    const held = await lock.heldOf(locks);
    return new Set(queues.filter((_, index) => held.has(locks[index] as string)));
  }
}

function isQueueName(name: string): boolean {
  try {
    checkQueueName(name);
    return true;
  } catch {
    return false;
  }
}
