import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { backoff, type BrokerOptions } from '@brokkr/core/adapter';
import type { Channel, ConsumeMessage } from 'amqplib';
import { closedError, declarationError } from '../connection/amqp-errors.ts';
import { Declarer, type DeclarerOptions } from '../topology/declarer.ts';
import type { Names } from '../topology/names.ts';

/** Bounds of the listener's queue. When one is reached, the server drops the oldest messages. */
export interface FanoutLimits {
  readonly messages: number;
  readonly bytes: number;
  readonly ttlMs: number;
}

export interface FanoutListenerOptions extends DeclarerOptions {
  readonly names: Names;
  readonly exchange: string;
  readonly limits: FanoutLimits;
  readonly logger: BrokerOptions['logger'];
  readonly onMessage: (message: ConsumeMessage) => void;
  /** It listens again after its channel ended: messages may have been missed. */
  readonly onGap?: (() => void) | undefined;
}

/**
 * Receives everything that is sent to a fanout exchange, over an exclusive queue that the server deletes with the channel.
 * When the channel ends, it listens again with a new queue: the server may still keep the old one for a lost connection.
 */
export class FanoutListener {
  readonly #options: FanoutListenerOptions;
  readonly #stopping = new AbortController();
  #channel: Channel | undefined;

  constructor(options: FanoutListenerOptions) {
    this.#options = options;
  }

  /**
   * Resolves once messages that are sent later arrive. Call it once.
   * @throws BrokerUnavailableError if the server is unreachable, or the broker is closed
   * @throws ConfigError (`QUEUE_REFUSED`) if the user may not declare the queue, or not use the exchange
   */
  async start(): Promise<void> {
    if (this.#options.connection.isClosed) throw closedError();
    await this.#listen();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const channel = this.#channel;
    this.#channel = undefined;
    if (channel !== undefined) await this.#close(channel);
  }

  async #listen(): Promise<void> {
    const { connection, exchange, names, limits } = this.#options;
    const declarer = new Declarer(this.#options);
    await declarer.declareExchange(exchange, 'fanout').finally(() => declarer.close());
    const queue = names.listener(exchange, randomUUID());
    const channel = await connection.openChannel();
    let isOpen = true;
    channel.on('close', () => {
      isOpen = false;
      if (this.#channel !== channel) return;
      this.#channel = undefined;
      void this.#listenAgain();
    });
    try {
      const bounds = {
        'x-message-ttl': limits.ttlMs,
        'x-max-length': limits.messages,
        'x-max-length-bytes': limits.bytes,
      };
      const options = { exclusive: true, autoDelete: true, durable: false, arguments: bounds };
      await connection.withTimeout(Promise.resolve(channel.assertQueue(queue, options)));
      await connection.withTimeout(Promise.resolve(channel.bindQueue(queue, exchange, '')));
      const onMessage = (message: ConsumeMessage | null) => this.#onMessage(message, channel);
      await connection.withTimeout(Promise.resolve(channel.consume(queue, onMessage, { noAck: true })));
    } catch (error) {
      void channel.close().catch(() => undefined);
      throw declarationError(`queue ${queue}`, error, connection.address);
    }
    // It may have ended, or been stopped, before the last answer was read here.
    if (!isOpen) throw declarationError(`queue ${queue}`, new Error('the channel ended'), connection.address);
    if (this.#stopping.signal.aborted) await this.#close(channel);
    else this.#channel = channel;
  }

  #onMessage(message: ConsumeMessage | null, channel: Channel): void {
    const { logger, onMessage, exchange } = this.#options;
    if (this.#stopping.signal.aborted) return;
    if (message === null) {
      // The queue was deleted. Closing the channel starts again.
      void this.#close(channel);
      return;
    }
    try {
      onMessage(message);
    } catch (error) {
      logger?.error({ error, exchange }, 'a listener of broadcasts failed');
    }
  }

  async #listenAgain(): Promise<void> {
    const { connection, logger, exchange, onGap } = this.#options;
    const { signal } = this.#stopping;
    for (let pauseMs = backoff(0); !signal.aborted && !connection.isClosed; pauseMs = backoff(pauseMs)) {
      try {
        await this.#listen();
        if (!signal.aborted) onGap?.();
        return;
      } catch (error) {
        logger?.debug({ error, exchange }, 'cannot listen to broadcasts; trying again');
        await sleep(Math.random() * pauseMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #close(channel: Channel): Promise<void> {
    await this.#options.connection.lastAnswers(channel.close().catch(() => undefined));
  }
}
