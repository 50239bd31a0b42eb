import { type Broker, logger, type TaskManager } from '@brokkr/core';
import { openBroker } from '@brokkr/core/adapter';
import { kindOfBroker } from './kind-of-broker.ts';
import type { SchedulerLike } from './scheduler-like.ts';

/** Queues that are remembered because letters were moved to them. */
const MOST_MADE = 100;

/** A broker that the dashboard shows, by its name in URLs. */
export class BrokerSource {
  readonly name: string;
  readonly schedulers: readonly SchedulerLike[];
  readonly #manager: TaskManager | undefined;
  readonly #broker: Broker | undefined;
  readonly #made = new Set<string>();

  /** @param of the manager whose broker it is, or the broker */
  constructor(name: string, of: TaskManager | Broker, schedulers: readonly SchedulerLike[]) {
    this.name = name;
    this.schedulers = schedulers;
    this.#manager = isManager(of) ? of : undefined;
    this.#broker = isManager(of) ? undefined : of;
  }

  /** Loads the adapter. It is not connected to before it is used. */
  async open(): Promise<Broker> {
    if (this.#manager !== undefined) return this.#manager.broker();
    return openBroker(this.#broker as Broker);
  }

  /** The logger of the application. */
  get logger(): TaskManager['logger'] {
    return this.#manager?.logger ?? logger;
  }

  async kind(): Promise<string> {
    return kindOfBroker(await this.open(), this.#manager?.config.brokerUrl);
  }

  /**
   * Queues of the tasks of the manager, and those that letters were moved to: a server that does not list its queues knows
   * no others.
   */
  get applicationQueues(): readonly string[] {
    const manager = this.#manager;
    if (manager === undefined) return [...this.#made];
    return [...new Set([...manager.tasks().map((task) => task.queueName ?? manager.config.queueName), ...this.#made])];
  }

  /** Remembers a queue that letters were moved to. Of more than 100, the oldest is forgotten. */
  remember(queue: string): void {
    this.#made.delete(queue);
    this.#made.add(queue);
    const [oldest] = this.#made;
    if (this.#made.size > MOST_MADE && oldest !== undefined) this.#made.delete(oldest);
  }
}

export function isManager(value: object): value is TaskManager {
  return 'createWorker' in value && 'tasks' in value;
}
