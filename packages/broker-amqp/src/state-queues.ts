import { setTimeout as sleep } from 'node:timers/promises';
import { BrokerUnavailableError } from '@brokkr/core';
import { NOT_FOUND, replyCode, unavailable } from './amqp-errors.ts';
import { Declarer, type DeclarerOptions } from './declarer.ts';
import type { Names } from './names.ts';

export interface StateQueuesOptions extends DeclarerOptions {
  readonly names: Names;
}

/** A queue that is there and empty is being read by somebody else; after so long its writer must have died. */
const READ_WITHIN_MS = 1_000;
const AGAIN_MS = 5;

/**
 * Small values, each the only message of a queue: a newer one pushes the older one out. A queue without a value is
 * deleted, so that one which is found empty is only being looked at.
 */
export class StateQueues {
  readonly #options: StateQueuesOptions;

  constructor(options: StateQueuesOptions) {
    this.#options = options;
  }

  /** @throws BrokerUnavailableError where the server is away for too long */
  async get(key: string): Promise<string | undefined> {
    const { link, names, patienceMs } = this.#options;
    const queue = names.state(key);
    const giveUpAt = performance.now() + READ_WITHIN_MS;
    try {
      return await link.withChannel(patienceMs, async (channel) => {
        for (;;) {
          const message = await channel.get(queue);
          if (message !== false) {
            channel.nack(message, false, true);
            return message.content.toString();
          }
          if (performance.now() > giveUpAt) return undefined;
          await sleep(AGAIN_MS * (1 + Math.random()));
        }
      });
    } catch (error) {
      if (replyCode(error) === NOT_FOUND) return undefined;
      throw unavailable(error);
    }
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
