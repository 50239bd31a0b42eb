import type { Channel } from 'amqplib';
import { declarationError, isMissing, NOT_FOUND, replyCode, tooSlow, unavailable } from './amqp-errors.ts';
import type { Connection } from './connection.ts';
import { Turns } from './turns.ts';

/**
 * Channels that are kept for probes. The client sends one command of a channel at a time, so several overlap: with 12,
 * a write to the socket has as many commands.
 */
const MOST_CHANNELS = 12;

/** Figures of a queue, as the server counts them now. */
export interface QueueFigures {
  /** Ready messages: those that no consumer holds. */
  readonly messageCount: number;
  readonly consumerCount: number;
}

/** Asks the server for queues and exchanges by passive declarations, over a few channels that stay open. */
export class QueueProbe {
  readonly #connection: Connection;
  readonly #idle: Channel[] = [];
  readonly #turns = new Turns(() => Math.min(MOST_CHANNELS, Math.ceil(this.#connection.mostChannels / 8)));

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * @param giveUpAt time of `performance.now()` after which the server is not asked any more
   * @returns `undefined` if there is no such queue
   * @throws BrokerUnavailableError if the server does not answer, or the node of the queue is down; `BROKER_SLOW` after
   * `giveUpAt`
   * @throws ConfigError (`QUEUE_REFUSED`) if the user has no right to it
   */
  queue(name: string, giveUpAt?: number): Promise<QueueFigures | undefined> {
    return this.#ask(`queue ${name}`, (channel) => Promise.resolve(channel.checkQueue(name)), giveUpAt);
  }

  /** Ready messages; 0 if there is no such queue. @throws as `queue` */
  async ready(name: string, giveUpAt?: number): Promise<number> {
    return (await this.queue(name, giveUpAt))?.messageCount ?? 0;
  }

  /** Whether the exchange exists. @throws as `queue` */
  async hasExchange(name: string): Promise<boolean> {
    return (
      (await this.#ask(`exchange ${name}`, (channel) => Promise.resolve(channel.checkExchange(name)))) !== undefined
    );
  }

  async #ask<T>(
    what: string,
    ask: (channel: Channel) => Promise<T>,
    giveUpAt = Number.POSITIVE_INFINITY,
  ): Promise<T | undefined> {
    const connection = this.#connection;
    // The server's limit of channels is known from then on.
    await connection.ready();
    return this.#turns.run(async () => {
      if (performance.now() > giveUpAt) throw tooSlow(what, connection.address);
      const channel = this.#idle.pop() ?? (await this.#open());
      try {
        const answer = await connection.withTimeout(ask(channel));
        this.#idle.push(channel);
        return answer;
      } catch (error) {
        // A refusal has closed the channel already. A late answer must not reach the next caller.
        void channel.close().catch(() => undefined);
        if (isMissing(error)) return undefined;
        if (replyCode(error) === NOT_FOUND) throw unavailable(error, connection.address);
        throw declarationError(what, error, connection.address);
      }
    });
  }

  async #open(): Promise<Channel> {
    const channel = await this.#connection.openChannel();
    channel.on('close', () => {
      const index = this.#idle.indexOf(channel);
      if (index >= 0) this.#idle.splice(index, 1);
    });
    return channel;
  }
}
