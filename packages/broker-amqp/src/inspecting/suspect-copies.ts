import type { ServerClock } from '@brokkr/core/adapter';
import type { Message } from 'amqplib';
import type { Addresses } from '../publishing/addresses.ts';
import { decodeMessage } from '../publishing/envelope-codec.ts';
import type { Publisher } from '../publishing/publisher.ts';
import type { QueueBrowser } from './queue-browser.ts';

export interface SuspectCopiesOptions {
  readonly addresses: Addresses;
  readonly publisher: Publisher;
  readonly clock: ServerClock;
}

/**
 * Gives suspects back that were looked at. The server marks messages of a look as delivered before, which in the quarantine
 * counts as a crash. So copies take their places.
 */
export class SuspectCopies {
  readonly #options: SuspectCopiesOptions;

  constructor(options: SuspectCopiesOptions) {
    this.#options = options;
  }

  /**
   * Stores copies, with one crash more if a worker had the message, and removes the originals.
   * @throws the error of the first copy that could not be stored; its original stays
   */
  async replace(browser: QueueBrowser, messages: readonly Message[], queue: string): Promise<void> {
    const { addresses, publisher, clock } = this.#options;
    const copies = messages.map((message) => {
      const { envelope, metadata, notBefore } = decodeMessage(message, queue);
      const crashes = metadata.crashes + (message.fields.redelivered ? 1 : 0);
      return addresses.toQueueNow({ ...clock.toLocal(envelope), notBefore }, { ...metadata, crashes });
    });
    const outcomes = await publisher.send(copies);
    await browser.ack(messages.filter((_, index) => outcomes[index] === undefined));
    const error = outcomes.find((outcome) => outcome !== undefined);
    if (error !== undefined) throw error;
  }
}
