import type { ConfirmChannel, Options } from 'amqplib';
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

  constructor(options: FanoutSenderOptions) {
    this.#options = options;
  }

  /**
   * Resolves once the server has the message. A message is written once, so that no process receives it twice.
   * @throws BrokerUnavailableError if the server is unreachable or does not answer
   * @throws ConfigError (`QUEUE_REFUSED`) if the user may neither declare nor use the exchange
   */
  async send(content: Buffer, properties: Options.Publish): Promise<void> {
    const { connection, exchange } = this.#options;
    if (connection.isClosed) throw closedError();
    this.#opening ??= this.#open();
    const channel = await this.#opening;
    const confirmed = new Promise<void>((resolve, reject) => {
      channel.publish(exchange, '', content, { ...properties, persistent: false }, (error: unknown) => {
        if (error === null) resolve();
        else reject(this.#refusal ?? error);
      });
    });
    await connection.withTimeout(confirmed).catch((error: unknown) => {
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
      return channel.on('close', forget);
    };
    const opening = open();
    opening.catch(forget);
    return opening;
  }
}
