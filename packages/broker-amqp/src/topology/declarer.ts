import { BrokerUnavailableError } from '@brokkr/core/adapter';
import type { Channel, Options } from 'amqplib';
import { declarationError, isRefused, NOT_FOUND, replyCode, unavailable } from '../connection/amqp-errors.ts';
import type { QueueType } from '../connection/amqp-url.ts';
import type { Connection } from '../connection/connection.ts';

/** Practically no limit: 4.0 would drop messages that were redelivered 20 times, and 3.10 treats -1 as no redelivery at all. */
const NO_DELIVERY_LIMIT = 2_147_483_647;

export interface DeclarerOptions {
  readonly connection: Connection;
  readonly queueType: QueueType;
}

/**
 * Declares on its own channel, because the server closes the channel of a refused declaration. Each method throws a
 * ConfigError that names the queue or exchange if it exists with other arguments or may not be declared.
 */
export class Declarer {
  readonly #options: DeclarerOptions;
  #channel: Channel | undefined;
  #isSilent = false;

  constructor(options: DeclarerOptions) {
    this.#options = options;
  }

  /** @param first message that the new queue always contains, unless the server ends in between */
  declareQueue(name: string, args: Readonly<Record<string, unknown>>, first?: Buffer): Promise<void> {
    const type = args['x-queue-type'] ?? this.#options.queueType;
    const options: Options.AssertQueue = {
      durable: true,
      arguments: {
        'x-queue-type': type,
        ...(type === 'quorum' && { 'x-delivery-limit': NO_DELIVERY_LIMIT }),
        ...args,
      },
    };
    return this.#declare(
      `queue ${name}`,
      (channel) => {
        const declared = channel.assertQueue(name, options);
        if (first !== undefined) channel.sendToQueue(name, first, { persistent: true });
        return declared;
      },
      (channel) => channel.checkQueue(name),
    );
  }

  declareExchange(name: string, type: 'direct' | 'topic' | 'fanout'): Promise<void> {
    return this.#declare(
      `exchange ${name}`,
      (channel) => channel.assertExchange(name, type, { durable: true }),
      (channel) => channel.checkExchange(name),
    );
  }

  bindQueue(queue: string, exchange: string, pattern: string): Promise<void> {
    return this.#bind(`queue ${queue}`, exchange, (channel) => channel.bindQueue(queue, exchange, pattern));
  }

  bindExchange(target: string, exchange: string, pattern: string): Promise<void> {
    return this.#bind(`exchange ${target}`, exchange, (channel) => channel.bindExchange(target, exchange, pattern));
  }

  async close(): Promise<void> {
    const channel = this.#channel;
    if (channel === undefined) return;
    const closed = this.#withTimeout(channel.close()).catch(() => undefined);
    // A server that did not answer is not waited for again.
    if (!this.#isSilent) await closed;
  }

  /** Bindings cannot be checked: a user that may not bind relies on the user that has declared them. */
  #bind(target: string, exchange: string, bind: (channel: Channel) => Promise<unknown>): Promise<void> {
    return this.#declare(`the binding of ${target} to exchange ${exchange}`, bind, async () => undefined);
  }

  /** Declares something. A user that may not declare can still use an existing one. */
  async #declare(
    what: string,
    declare: (channel: Channel) => Promise<unknown>,
    check: (channel: Channel) => Promise<unknown>,
  ): Promise<void> {
    try {
      await this.#withTimeout(declare(await this.#open())).catch(async (error: unknown) => {
        // A queue that is declared and not found is on a node that is down.
        if (replyCode(error) === NOT_FOUND) throw unavailable(error, this.#options.connection.address);
        if (!isRefused(error)) throw error;
        await this.#withTimeout(check(await this.#open()));
      });
    } catch (error) {
      this.#isSilent = error instanceof BrokerUnavailableError;
      throw declarationError(what, error, this.#options.connection.address);
    }
  }

  #withTimeout<T>(asked: Promise<T>): Promise<T> {
    return this.#options.connection.withTimeout(asked);
  }

  async #open(): Promise<Channel> {
    if (this.#channel !== undefined) return this.#channel;
    const channel = await this.#options.connection.openChannel();
    channel.on('close', () => {
      if (this.#channel === channel) this.#channel = undefined;
    });
    this.#channel = channel;
    return channel;
  }
}
