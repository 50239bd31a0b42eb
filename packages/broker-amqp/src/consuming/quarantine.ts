import type { BrokerOptions } from '@brokkr/core/adapter';
import type { GetMessage } from 'amqplib';
import type { Connection } from '../connection/connection.ts';
import type { QueueCounter } from '../connection/queue-counter.ts';
import type { Session } from '../connection/session.ts';
import type { SessionPool } from '../connection/session-pool.ts';

/** How often the quarantine of a queue is counted. Counting needs no write on the server. */
const LOOK_EVERY_MS = 1_000;
/** All queues of a process together are counted at most 50 times a second. */
const SHARE_OF_LOOKS_MS = 20;

export interface QuarantineOptions {
  readonly connection: Connection;
  readonly sessions: SessionPool;
  readonly counter: QueueCounter;
  /** Subscriptions of this process. */
  readonly subscriptions: () => number;
  readonly queue: string;
  readonly serverQueue: string;
  readonly logger: BrokerOptions['logger'];
  readonly onOver: (session: Session) => void;
}

/**
 * The queue of the suspects: messages with two crashes. They are fetched one at a time when a worker can run them, never
 * pushed ahead: a message that only waited in a process must not be charged with the crash of another one.
 */
export class Quarantine {
  readonly #options: QuarantineOptions;
  #session: Session | undefined;
  #lookAt = 0;
  #closed = false;

  constructor(options: QuarantineOptions) {
    this.#options = options;
  }

  get isDue(): boolean {
    return performance.now() >= this.#lookAt && this.#options.connection.current !== undefined;
  }

  /** A message may have been stored in it. */
  lookSoon(): void {
    this.#lookAt = 0;
  }

  /** Whether it holds a suspect. */
  async hasAny(): Promise<boolean> {
    if (this.#closed) return false;
    const { subscriptions, counter, serverQueue } = this.#options;
    this.#lookAt = performance.now() + Math.max(LOOK_EVERY_MS, SHARE_OF_LOOKS_MS * subscriptions());
    return ((await counter.ready(serverQueue)) ?? 0) > 0;
  }

  /** Takes the next suspect. The caller holds nothing else, so a crash from now on is caused by it. */
  async take(): Promise<{ message: GetMessage; session: Session } | undefined> {
    if (this.#closed) return undefined;
    const { serverQueue, logger, queue } = this.#options;
    try {
      const session = this.#session ?? (await this.#enter());
      const message = await session.channel.get(serverQueue);
      if (message === false) return undefined;
      session.arrived(message);
      // Suspects come in groups.
      this.#lookAt = 0;
      return { message, session };
    } catch (error) {
      logger?.debug({ error, queue }, 'cannot read the quarantine of a queue; trying again');
      return undefined;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#session !== undefined) await this.#options.sessions.release(this.#session);
  }

  async #enter(): Promise<Session> {
    const { sessions, serverQueue, onOver } = this.#options;
    const session = await sessions.acquire();
    session.join(serverQueue);
    session.onOver(() => {
      if (this.#session === session) this.#session = undefined;
      onOver(session);
    });
    this.#session = session;
    return session;
  }
}
