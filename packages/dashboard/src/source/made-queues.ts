import type { Broker } from '@brokkr/core';
import { isQueueName } from './queue-name.ts';

/** Queues that are remembered. Of more, the oldest is forgotten. */
const MOST = 100;
/** Characters of the names in one value: a `StateStore` keeps at most 1 KiB. */
const VALUE_LENGTH = 1_000;
/** Values that are read: 100 of the longest names fit. */
const MOST_VALUES = 14;
/** How often the names are read. On RabbitMQ each read takes a message and gives it back. */
const READ_MS = 60_000;

/**
 * Queues that letters were moved to. If the server does not list its queues, the broker keeps their names, for every
 * dashboard. If two dashboards add a name at the same time, one of the names may be lost.
 */
export class MadeQueues {
  readonly #open: () => Promise<Broker>;
  readonly #onFailure: (error: unknown) => void;
  #names: readonly string[] = [];
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(open: () => Promise<Broker>, onFailure: (error: unknown) => void) {
    this.#open = open;
    this.#onFailure = onFailure;
  }

  /** Oldest first. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** Reads the names that the broker keeps, at most once a minute. Never rejects. */
  async read(): Promise<void> {
    if (performance.now() - this.#readAt < READ_MS) return;
    this.#readAt = performance.now();
    await this.#tried(async (broker) => {
      this.#names = joined(await readNames(broker), this.#names);
    });
  }

  /** Remembers a queue, also in the broker. Never rejects. */
  async add(queue: string): Promise<void> {
    this.#names = joined(this.#names, [queue]);
    await this.#tried(async (broker) => {
      const stored = await readNames(broker);
      this.#names = joined(stored, this.#names);
      if (!stored.includes(queue)) await writeNames(broker, this.#names);
    });
  }

  async #tried(use: (broker: Broker) => Promise<void>): Promise<void> {
    try {
      const broker = await this.#open();
      if (broker.capabilities.counts !== 'exact') await use(broker);
    } catch (error) {
      this.#onFailure(error);
    }
  }
}

function joined(older: readonly string[], newer: readonly string[]): readonly string[] {
  return [...older.filter((name) => !newer.includes(name)), ...newer].slice(-MOST);
}

async function readNames({ states }: Broker): Promise<readonly string[]> {
  const names = new Set<string>();
  for (let index = 0; index < MOST_VALUES; index++) {
    const value = await states?.get(keyOf(index));
    if (value === undefined) break;
    for (const name of value.split(' ')) if (isQueueName(name)) names.add(name);
  }
  return [...names].slice(-MOST);
}

async function writeNames({ states }: Broker, names: readonly string[]): Promise<void> {
  const values: string[] = [];
  for (const name of names) {
    const last = values.at(-1);
    if (last === undefined || last.length + name.length >= VALUE_LENGTH) values.push(name);
    else values[values.length - 1] = `${last} ${name}`;
  }
  // A value that is missing ends the list.
  for (let index = 0; index <= values.length && index < MOST_VALUES; index++)
    await states?.set(keyOf(index), values[index]);
}

function keyOf(index: number): string {
  return `dashboard.queues:${index}`;
}
