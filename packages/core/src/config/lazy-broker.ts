import type { Broker, BrokerCapabilities, PublishReceipt, SubscribeOptions, Subscription } from '../broker/broker.ts';
import { checkBroker, PART_METHODS } from '../broker/check-broker.ts';
import type { Envelope } from '../broker/envelope.ts';
import { BrokerUnavailableError, ConfigError } from '../errors/errors.ts';

const PARTS = Object.keys(PART_METHODS) as (keyof typeof PART_METHODS)[];

/** A broker whose adapter is loaded at first use. Its capabilities and parts are those of the adapter. */
export class LazyBroker implements Broker {
  readonly #make: () => Promise<Broker>;
  #loading: Promise<Broker> | undefined;
  #loaded: Broker | undefined;
  #closing: Promise<void> | undefined;

  constructor(make: () => Promise<Broker>) {
    this.#make = make;
    // Own properties: a decorator made by `{ ...broker }` before the adapter is loaded throws, and does not lose the
    // parts.
    for (const part of PARTS) {
      Object.defineProperty(this, part, { enumerable: true, get: () => this.#opened(part)[part] });
    }
  }

  /** Capabilities of the adapter. @throws ConfigError (`BROKER_NOT_LOADED`) before the adapter is loaded */
  get capabilities(): BrokerCapabilities {
    return this.#opened('capabilities').capabilities;
  }

  #opened(name: string): Broker {
    if (this.#loaded !== undefined) return this.#loaded;
    throw new ConfigError(
      `${name} of this broker cannot be read before its adapter is loaded; await openBroker(broker) first`,
      { code: 'BROKER_NOT_LOADED' },
    );
  }

  /** `JSON.stringify` reads every property, but parts cannot be read before the adapter is loaded. */
  toJSON(): object {
    return {};
  }

  /** Loads the adapter, and returns its broker. */
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

  /** Closes the broker of the adapter once only: others may hold that broker, too. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #load(): Promise<Broker> {
    try {
      const made = await this.#make();
      if (made instanceof LazyBroker) throw notAnAdapter();
      this.#loaded = made;
      return made;
    } catch (error) {
      // The next call tries again: a missing adapter may be installed by then.
      this.#loading = undefined;
      throw error;
    }
  }

  async #close(): Promise<void> {
    await (await this.#loading?.catch(() => undefined))?.close();
  }
}

/** `@brokkr/core` exports a `createBroker` too, and so may a package that passes it on. */
function notAnAdapter(): ConfigError {
  return new ConfigError(
    'the createBroker of TASK_BROKER_PACKAGE is that of @brokkr/core, which is no adapter; name the package of an adapter, such as @brokkr/broker-redis',
    { code: 'ADAPTER_INVALID' },
  );
}

/**
 * Loads the adapter of a broker that `createBroker` made, and returns the adapter's broker with all its parts. Other
 * brokers are returned as they are. No server is connected to.
 *
 * @throws ConfigError (`ADAPTER_NOT_INSTALLED`) if the adapter is not installed
 * @throws ConfigError (`BROKER_INVALID`) if a part of the broker is incomplete or contradicts its capabilities
 * @example
 * const broker = await openBroker(createBroker('redis://localhost:6379'));
 * console.log(await broker.inspector?.queues());
 */
export async function openBroker(broker: Broker): Promise<Broker> {
  const opened = broker instanceof LazyBroker ? await broker.load() : broker;
  checkBroker(opened);
  return opened;
}
