import type { BrokerOptions } from '@brokkr/core/adapter';
import type { GetMessage } from 'amqplib';
import type { Connection } from '../connection/connection.ts';
import { Session } from '../connection/session.ts';

/** How often the quarantine of a queue is looked at: one question for a number, which costs the server no write. */
const LOOK_EVERY_MS = 1_000;

export interface QuarantineOptions {
  readonly connection: Connection;
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
    return performance.now() >= this.#lookAt && this.#options.connection.current !== undefined;
  }

  /** Something may have been put there. */
  lookSoon(): void {
    this.#lookAt = 0;
  }

  /** Whether a suspect is there. */
  async hasAny(): Promise<boolean> {
    const { serverQueue } = this.#options;
    return this.#look(async ({ channel }) => (await channel.checkQueue(serverQueue)).messageCount > 0, false);
  }

  /** The next suspect. Whoever takes it holds nothing else: a crash from here on is its own. */
  async take(): Promise<{ message: GetMessage; session: Session } | undefined> {
    const { serverQueue } = this.#options;
    return this.#look(async (session) => {
      const message = await session.channel.get(serverQueue);
      if (message === false) return undefined;
      session.arrived(message);
      // They come in crowds.
      this.#lookAt = 0;
      return { message, session };
    }, undefined);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#session?.close();
  }

  async #look<T>(use: (session: Session) => Promise<T>, otherwise: T): Promise<T> {
    if (this.#closed) return otherwise;
    this.#lookAt = performance.now() + LOOK_EVERY_MS;
    try {
      return await use(this.#session ?? (await this.#open()));
    } catch (error) {
      const { logger, queue } = this.#options;
      logger?.debug({ error, queue }, 'the quarantine cannot be looked at now');
      return otherwise;
    }
  }

  async #open(): Promise<Session> {
    const { connection, serverQueue, onOver } = this.#options;
    const model = await connection.ready(LOOK_EVERY_MS);
    const channel = await model.createChannel();
    const session = new Session(channel, serverQueue);
    channel.on('error', () => undefined);
    channel.on('close', () => {
      if (this.#session === session) this.#session = undefined;
      onOver(session);
    });
    this.#session = session;
    return session;
  }
}
