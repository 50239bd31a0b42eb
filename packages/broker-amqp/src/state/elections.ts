import { BrokerUnavailableError, checkQueueName, type Elections, type Leadership } from '@brokkr/core/adapter';
import type { Channel, ConsumeMessage } from 'amqplib';
import { closedError, replyCode } from '../connection/amqp-errors.ts';
import { Declarer, type DeclarerOptions } from '../topology/declarer.ts';
import type { Names } from '../topology/names.ts';

export interface ElectionsOptions extends DeclarerOptions {
  readonly names: Names;
}

const NOTHING = Buffer.alloc(0);
/**
 * How often the leader replaces the message it holds. RabbitMQ closes a channel that holds a message for longer than
 * `consumer_timeout` (30 minutes by default), and the leader would lose its lead.
 */
const RENEW_EVERY_MS = 60_000;

/**
 * Elects one leader for each name. Every candidate consumes the same queue, declared with a single active consumer
 * (`x-single-active-consumer`). RabbitMQ delivers the queue's message to one of them, and that one leads. When its
 * channel ends, for whatever reason, RabbitMQ delivers the message to the next candidate. No candidate polls.
 */
export class AmqpElections implements Elections {
  readonly #options: ElectionsOptions;

  constructor(options: ElectionsOptions) {
    this.#options = options;
  }

  async elect(name: string, { signal }: { readonly signal: AbortSignal }): Promise<Leadership | undefined> {
    checkQueueName(name);
    return this.stand(name, signal);
  }

  /** Does the same as `elect`, with a name that the adapter chose. */
  async stand(name: string, signal: AbortSignal): Promise<Leadership | undefined> {
    const standing = this.#elect(name, signal);
    let giveUp: (() => void) | undefined;
    const givenUp = new Promise<undefined>((resolve) => {
      giveUp = () => resolve(undefined);
    });
    const onAbort = () => giveUp?.();
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    // A candidate that gives up does not wait for a server that does not answer.
    const leadership = await Promise.race([standing, givenUp]).finally(() =>
      signal.removeEventListener('abort', onAbort),
    );
    if (leadership === undefined) void standing.then((late) => late?.release()).catch(() => undefined);
    return leadership;
  }

  async #elect(name: string, signal: AbortSignal): Promise<Leadership | undefined> {
    const { connection } = this.#options;
    while (!signal.aborted) {
      if (connection.isClosed) throw closedError();
      // An unreachable server is waited for without a limit.
      const model = await connection.ready().catch(() => undefined);
      if (model === undefined) continue;
      const queue = await this.#queue(name);
      if (queue === undefined || signal.aborted) continue;
      const channel = await connection.openChannel().catch(() => undefined);
      if (channel === undefined) continue;
      const leadership = await this.#awaitLead(channel, queue, signal).catch(() => undefined);
      if (leadership !== undefined) return leadership;
    }
    return undefined;
  }

  /**
   * Declares the queue. Returns undefined if the connection broke, or did not answer. @throws ConfigError if it may not
   * be declared
   */
  async #queue(name: string): Promise<string | undefined> {
    const queue = this.#options.names.leader(name);
    const declarer = new Declarer(this.#options);
    try {
      await declarer.declareQueue(queue, { 'x-single-active-consumer': true });
      return queue;
    } catch (error) {
      const isSilent = error instanceof BrokerUnavailableError && replyCode(error.cause) === undefined;
      if (this.#options.connection.current !== undefined && !isSilent) throw error;
      return undefined;
    } finally {
      await declarer.close();
    }
  }

  /** Resolves once the channel received the message, or has ended, or the candidate gives up. */
  async #awaitLead(channel: Channel, queue: string, signal: AbortSignal): Promise<Leadership | undefined> {
    const lost = new AbortController();
    const release = async () => {
      lost.abort();
      const { connection } = this.#options;
      await connection.withTimeout(channel.close()).catch(() => undefined);
    };
    channel.on('error', () => undefined);
    const decided = new Promise<boolean>((resolve) => {
      let held: ConsumeMessage | undefined;
      const renew = () => void channel.sendToQueue(queue, NOTHING, { persistent: true });
      const renewing = setInterval(renew, RENEW_EVERY_MS);
      channel.on('close', () => {
        clearInterval(renewing);
        lost.abort();
        resolve(false);
      });
      signal.addEventListener('abort', () => resolve(false), { once: true });
      channel
        .consume(queue, (message) => {
          if (message === null) {
            void release();
            return;
          }
          // The leader always holds the newest message, and acknowledges the one before.
          if (held !== undefined) channel.ack(held);
          held = message;
          resolve(true);
        })
        .then(renew)
        .catch(() => void release());
    });
    if ((await decided) && !signal.aborted && !lost.signal.aborted) return { lost: lost.signal, release };
    await release();
    return undefined;
  }
}
