import { type Broker, type BrokerOptions, ConfigError } from '@brokkr/core';
import { MemoryBroker } from './memory-broker.ts';

/** A broker that everybody holds who asked for its name: it closes with the last of them. */
class SharedBroker extends MemoryBroker {
  #holders = 0;

  held(): this {
    this.#holders++;
    return this;
  }

  override async close(): Promise<void> {
    if (--this.#holders <= 0) await super.close();
  }
}

/** By name, within this process. */
const shared = new Map<string, SharedBroker>();

/**
 * The broker of a `memory:` URL: a new one at each call, or for `memory:name` the one of that name, until it has been
 * closed as often as it was asked for.
 * @throws ConfigError for any other URL
 */
export function createBroker(url: string, options: BrokerOptions = {}): Broker {
  const match = /^memory:([A-Za-z0-9._-]*)$/.exec(url);
  if (match === null) {
    throw new ConfigError('a memory broker URL is memory: or memory:name, the name of A-Z a-z 0-9 . _ -', {
      code: 'BROKER_URL_INVALID',
    });
  }
  const { clock, idempotencyTtlMs } = options;
  const name = match[1] ?? '';
  if (name === '') return new MemoryBroker({ clock, idempotencyTtlMs });
  const known = shared.get(name);
  if (known !== undefined && !known.isClosed) return known.held();
  const broker = new SharedBroker({ clock, idempotencyTtlMs });
  shared.set(name, broker);
  return broker.held();
}
