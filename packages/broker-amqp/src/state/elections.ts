import { BrokerUnavailableError, checkQueueName, type Elections, type Leadership } from '@brokkr/core/adapter';
import type { Channel, ConsumeMessage } from 'amqplib';
import { closedError, replyCode } from '../connection/amqp-errors.ts';
import { Declarer, type DeclarerOptions } from '../topology/declarer.ts';
import type { Names } from '../topology/names.ts';

export interface ElectionsOptions extends DeclarerOptions {
  readonly names: Names;
}

const NOTHING = Buffer.alloc(0);
/** A message that is held for longer than the server's `consumer_timeout` ends the channel, and with it the lead. */
const RENEW_EVERY_MS = 60_000;

/**
 * One leader under each name: every candidate consumes a queue with a single active consumer, and the server lets one
 * of them have its message. When that one's channel ends, however it does, the message goes to the next. Nobody asks
 * again and again, and the server keeps the order.
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

  /** As `elect`, under a name that the adapter chose. */
  async stand(name: string, signal: AbortSignal): Promise<Leadership | undefined> {
    const standing = this.#elect(name, signal);
    let giveUp: (() => void) | undefined;
    const givenUp = new Promise<undefined>((resolve) => {
      giveUp = () => resolve(undefined);
    });
    const onAbort = () => giveUp?.();
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    // A server that does not answer keeps no candidate that gives up.
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
      // A server that is away is waited for, for as long as it takes.
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

  /** Undefined where the connection broke meanwhile, or says nothing. @throws ConfigError where it may not be declared */
  async #queue(name: string): Promise<string | undefined> {
    const queue = this.#options.names.leader(name);
    const declarer = new Declarer(this.#options);
    try {
      await declarer.queue(queue, { 'x-single-active-consumer': true });
      return queue;
    } catch (error) {
      const isSilent = error instanceof BrokerUnavailableError && replyCode(error.cause) === undefined;
      if (this.#options.connection.current !== undefined && !isSilent) throw error;
      return undefined;
    } finally {
      await declarer.close();
    }
  }

  /** Resolves once the channel was given the message, or has ended, or the candidate gives up. */
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
      const bring = () => void channel.sendToQueue(queue, NOTHING, { persistent: true });
      const renewing = setInterval(bring, RENEW_EVERY_MS);
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
          // One is held for as long as this candidate leads, the newest: none for as long as the server would mind.
          if (held !== undefined) channel.ack(held);
          held = message;
          resolve(true);
        })
        .then(bring)
        .catch(() => void release());
    });
    if ((await decided) && !signal.aborted && !lost.signal.aborted) return { lost: lost.signal, release };
    await release();
    return undefined;
  }
}
