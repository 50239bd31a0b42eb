import type { ConfirmChannel, Message, Options } from 'amqplib';
import { closedError, declarationError } from '../connection/amqp-errors.ts';
import { Declarer, type DeclarerOptions } from '../topology/declarer.ts';

export interface FanoutSenderOptions extends DeclarerOptions {
  readonly exchange: string;
}

/** Sends to all queues that are bound to a fanout exchange now. The first send declares the exchange. */
export class FanoutSender {
  readonly #options: FanoutSenderOptions;
  #opening: Promise<ConfirmChannel> | undefined;
  /** Why the server closed the last channel. */
  #refusal: unknown;
  /** Numbers of messages that no queue took: the server says so before it confirms them. */
  readonly #returned = new Set<string>();
  #sent = 0;

  constructor(options: FanoutSenderOptions) {
    this.#options = options;
  }

  /**
   * Resolves once the server has the message, with `true` if a listener will receive it. A message is written once, so that
   * no process receives it twice.
   * @throws BrokerUnavailableError if the server is unreachable or does not answer
   * @throws ConfigError (`QUEUE_REFUSED`) if the user may neither declare nor use the exchange
   */
  async send(content: Buffer, properties: Options.Publish): Promise<boolean> {
    const { connection, exchange } = this.#options;
    if (connection.isClosed) throw closedError();
    this.#opening ??= this.#open();
    const channel = await this.#opening;
    const messageId = String(this.#sent++);
    const options = { ...properties, messageId, mandatory: true, persistent: false };
    const confirmed = new Promise<boolean>((resolve, reject) => {
      channel.publish(exchange, '', content, options, (error: unknown) => {
        const wasReturned = this.#returned.delete(messageId);
        if (error === null) resolve(!wasReturned);
        else reject(this.#refusal ?? error);
      });
    });
    return connection.withTimeout(confirmed).catch((error: unknown) => {
      throw declarationError(`exchange ${exchange}`, error, connection.address);
    });
  }

  #open(): Promise<ConfirmChannel> {
    const { connection, exchange } = this.#options;
    const forget = () => {
      if (this.#opening === opening) this.#opening = undefined;
    };
    const open = async () => {
      const declarer = new Declarer(this.#options);
      await declarer.declareExchange(exchange, 'fanout').finally(() => declarer.close());
      const channel = await connection.openConfirmChannel();
      this.#refusal = undefined;
      channel.on('error', (error) => {
        this.#refusal = error;
      });
      this.#returned.clear();
      channel.on('return', ({ properties }: Message) => this.#returned.add(properties.messageId));
      return channel.on('close', forget);
    };
    const opening = open();
    opening.catch(forget);
    return opening;
  }
}
