import type { BrokerOptions } from '@brokkr/core';
import type { GetMessage } from 'amqplib';
import type { Link } from './link.ts';
import { Session } from './queue-reader.ts';

/** How often the quarantine of a queue is looked at: one question for a number, which costs the server no write. */
const LOOK_EVERY_MS = 1_000;

export interface QuarantineOptions {
  readonly link: Link;
  readonly queue: string;
  readonly serverQueue: string;
  readonly logger: BrokerOptions['logger'];
  readonly onOver: (session: Session) => void;
}

/**
 * Messages that two crashes make suspects. They are fetched one by one when a worker can run them, never pushed ahead:
 * a message that only waited in a process must not be charged when that process dies of another.
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
    return performance.now() >= this.#lookAt && this.#options.link.current !== undefined;
  }

  /** Something may have been put there. */
  lookSoon(): void {
    this.#lookAt = 0;
  }

  /** The next suspect. @param isAlone nothing else is held, so it may run: then the next is asked for at once */
  async take(isAlone: boolean): Promise<{ message: GetMessage; session: Session } | undefined> {
    if (!this.isDue || this.#closed) return undefined;
    const { queue, serverQueue, logger } = this.#options;
    this.#lookAt = performance.now() + LOOK_EVERY_MS;
    try {
      const session = this.#session ?? (await this.#open());
      const { messageCount } = await session.channel.checkQueue(serverQueue);
      if (messageCount === 0) return undefined;
      const message = await session.channel.get(serverQueue);
      if (message === false) return undefined;
      if (isAlone) this.#lookAt = 0;
      return { message, session };
    } catch (error) {
      logger?.debug({ error, queue }, 'the quarantine cannot be looked at now');
      return undefined;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#session?.channel.close().catch(() => undefined);
  }

  async #open(): Promise<Session> {
    const { link, onOver } = this.#options;
    const model = await link.ready(LOOK_EVERY_MS);
    const channel = await model.createChannel();
    const session = new Session(channel);
    channel.on('error', () => undefined);
    channel.on('close', () => {
      if (this.#session === session) this.#session = undefined;
      onOver(session);
    });
    this.#session = session;
    return session;
  }
}
