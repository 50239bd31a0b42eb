import { setTimeout as sleep } from 'node:timers/promises';
import { BrokerUnavailableError } from '@brokkr/core';
import { NOT_FOUND, replyCode, unavailable } from './amqp-errors.ts';
import { Declarer, type DeclarerOptions } from './declarer.ts';
import type { Names } from './names.ts';

export interface StateQueuesOptions extends DeclarerOptions {
  readonly names: Names;
}

/** A queue that is there and empty is being read by somebody else; empty for so long, its writer died before it wrote. */
const ABANDONED_MS = 30_000;
const AGAIN_MS = 5;

/**
 * Small values, each the only message of a queue: a newer one pushes the older one out. A queue without a value is
 * deleted, so that one which is found empty is only being looked at.
 */
export class StateQueues {
  readonly #options: StateQueuesOptions;
  /** When a queue was first found empty, by its name. */
  readonly #emptySince = new Map<string, number>();

  constructor(options: StateQueuesOptions) {
    this.#options = options;
  }

  /** @throws BrokerUnavailableError where the server is away for too long, or a reader elsewhere holds the value */
  async get(key: string): Promise<string | undefined> {
    const { link, names, patienceMs } = this.#options;
    const queue = names.state(key);
    const giveUpAt = performance.now() + patienceMs;
    try {
      return await link.withChannel(patienceMs, async (channel) => {
        for (;;) {
          const message = await channel.get(queue);
          if (message !== false) {
            channel.nack(message, false, true);
            this.#emptySince.delete(queue);
            return message.content.toString();
          }
          if (this.#isAbandoned(queue)) return undefined;
          if (performance.now() > giveUpAt)
            throw new BrokerUnavailableError(`the state ${key} is held by somebody else`);
          await sleep(AGAIN_MS * (1 + Math.random()));
        }
      });
    } catch (error) {
      if (replyCode(error) === NOT_FOUND) return undefined;
      throw unavailable(error);
    }
  }

  /** A reader that died gives its message back as soon as the server notices. */
  #isAbandoned(queue: string): boolean {
    const since = this.#emptySince.get(queue) ?? performance.now();
    this.#emptySince.set(queue, since);
    return performance.now() - since > ABANDONED_MS;
  }

  /** @throws BrokerUnavailableError where the server is away, or takes nothing, for too long */
  async set(key: string, value: string | undefined): Promise<void> {
    const { link, names, patienceMs } = this.#options;
    const queue = names.state(key);
    if (value === undefined) {
      await link
        .withChannel(patienceMs, (channel) => channel.deleteQueue(queue))
        .catch((error: unknown) => {
          throw unavailable(error);
        });
      return;
    }
    const ended = new AbortController();
    const late = sleep(patienceMs, undefined, { signal: ended.signal }).then(() => {
      throw new BrokerUnavailableError('RabbitMQ did not confirm a state in time');
    });
    try {
      await Promise.race([late, this.#store(queue, Buffer.from(value))]);
    } finally {
      ended.abort();
      late.catch(() => undefined);
    }
  }

  async #store(queue: string, value: Buffer): Promise<void> {
    const { link, patienceMs } = this.#options;
    const declarer = new Declarer(this.#options);
    await declarer.queue(queue, { 'x-max-length': 1, 'x-overflow': 'drop-head' }).finally(() => declarer.close());
    const model = await link.ready(patienceMs);
    const channel = await model.createConfirmChannel();
    channel.on('error', () => undefined);
    try {
      channel.sendToQueue(queue, value, { persistent: true });
      await channel.waitForConfirms();
    } catch (error) {
      throw unavailable(error);
    } finally {
      await channel.close().catch(() => undefined);
    }
  }
}
