import { type Broker, logger, type TaskManager } from '@brokkr/core';
import { type Inspector, openBroker, purgeJoined } from '@brokkr/core/adapter';
import { kindOfBroker } from './kind-of-broker.ts';
import { MadeQueues } from './made-queues.ts';
import type { SchedulerLike } from './scheduler-like.ts';

/** A broker that the dashboard shows, by its name in URLs. */
export class BrokerSource {
  readonly name: string;
  readonly schedulers: readonly SchedulerLike[];
  /** Queues that letters were moved to: a server that does not list its queues does not know them. */
  readonly made: MadeQueues;
  readonly #manager: TaskManager | undefined;
  readonly #broker: Broker | undefined;

  /** @param of the manager whose broker it is, or the broker */
  constructor(name: string, of: TaskManager | Broker, schedulers: readonly SchedulerLike[]) {
    this.name = name;
    this.schedulers = schedulers;
    this.#manager = isManager(of) ? of : undefined;
    this.#broker = isManager(of) ? undefined : of;
    this.made = new MadeQueues(
      () => this.open(),
      (error) => this.logger.warn({ error }, 'names of queues that dashboards made cannot be kept or read'),
    );
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
   * Removes the ready messages of a queue. Keys that the store of the manager keeps for them are freed; the store of a
   * broker without a manager is not known.
   */
  async purge(inspector: Inspector, queue: string): Promise<number> {
    const manager = this.#manager;
    if (manager === undefined) return inspector.purge(queue);
    const { capabilities } = await this.open();
    const keyTtlMs = manager.config.idempotencyTtlMs;
    return purgeJoined(inspector, [queue], { capabilities, records: () => manager.records(), keyTtlMs });
  }

  /** Queues of the tasks of the manager, and those that letters were moved to. */
  get applicationQueues(): readonly string[] {
    const manager = this.#manager;
    if (manager === undefined) return this.made.names;
    const ofTasks = manager.tasks().map((task) => task.queueName ?? manager.config.queueName);
    return [...new Set([...ofTasks, ...this.made.names])];
  }
}

export function isManager(value: object): value is TaskManager {
  return 'createWorker' in value && 'tasks' in value;
}
