import type { Channel } from 'amqplib';
import type { Connection } from './connection.ts';

/** Counts the ready messages of queues that were declared, over one channel for all of them. */
export class QueueCounter {
  readonly #connection: Connection;
  #opening: Promise<Channel> | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * @param queue its name on the server
   * @returns undefined if the queue cannot be counted now: it was deleted, or the server cannot be reached
   */
  async ready(queue: string): Promise<number | undefined> {
    if (this.#connection.current === undefined) return undefined;
    try {
      this.#opening ??= this.#open();
      const channel = await this.#opening;
      return (await this.#connection.withTimeout(Promise.resolve(channel.checkQueue(queue)))).messageCount;
    } catch {
      return undefined;
    }
  }

  #open(): Promise<Channel> {
    const forget = () => {
      if (this.#opening === opening) this.#opening = undefined;
    };
    const opening = this.#connection.openChannel().then((channel) => channel.on('close', forget));
    opening.catch(forget);
    return opening;
  }
}
