import type { Broker, BrokerCapabilities, PublishReceipt, SubscribeOptions, Subscription } from '../broker/broker.ts';
import type { Envelope } from '../broker/envelope.ts';
import { BrokerUnavailableError, ConfigError } from '../errors/errors.ts';

/** A broker whose adapter is loaded at first use. */
export class LazyBroker implements Broker {
  readonly #make: () => Promise<Broker>;
  #loading: Promise<Broker> | undefined;
  #loaded: Broker | undefined;
  #closing: Promise<void> | undefined;

  constructor(make: () => Promise<Broker>) {
    this.#make = make;
  }

  /** @throws ConfigError before the first use: they are the adapter's, and it is loaded by then only */
  get capabilities(): BrokerCapabilities {
    if (this.#loaded !== undefined) return this.#loaded.capabilities;
    throw new ConfigError(
      'the capabilities of a broker are known once its adapter is loaded; await openBroker(broker) first',
      {
        code: 'BROKER_NOT_LOADED',
      },
    );
  }

  /** The adapter's broker. */
  async load(): Promise<Broker> {
    if (this.#closing !== undefined)
      throw new BrokerUnavailableError('the broker is closed', { code: 'BROKER_CLOSED' });
    this.#loading ??= this.#load();
    return this.#loading;
  }

  async publish(envelopes: readonly Envelope[]): Promise<readonly PublishReceipt[]> {
    return (await this.load()).publish(envelopes);
  }

  async subscribe(queue: string, options: SubscribeOptions): Promise<Subscription> {
    return (await this.load()).subscribe(queue, options);
  }

  /** Closes the adapter's broker once only: others may hold that too. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #load(): Promise<Broker> {
    try {
      this.#loaded = await this.#make();
      return this.#loaded;
    } catch (error) {
      // The next use tries again: an adapter that is missing may be installed by then.
      this.#loading = undefined;
      throw error;
    }
  }

  async #close(): Promise<void> {
    await (await this.#loading?.catch(() => undefined))?.close();
  }
}

/**
 * The broker itself, with all that it can do beside the contract, once its adapter is loaded.
 * @throws ConfigError where the adapter is not installed
 */
export async function openBroker(broker: Broker): Promise<Broker> {
  return broker instanceof LazyBroker ? broker.load() : broker;
}
