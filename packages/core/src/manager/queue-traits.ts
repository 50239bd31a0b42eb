import { laneNames } from '../broker/lane-names.ts';
import type { TaskDefinition } from '../task/task-definition.ts';
import type { TaskRegistry } from '../task/task-registry.ts';

/** What the tasks of a queue, as far as they are defined, need of it. */
export class QueueTraits {
  readonly #registry: TaskRegistry;
  readonly #queueOf: (definition: TaskDefinition) => string;

  constructor(registry: TaskRegistry, queueOf: (definition: TaskDefinition) => string) {
    this.#registry = registry;
    this.#queueOf = queueOf;
  }

  /** Size of the largest batch of a queue's tasks; 1 if it has no batch tasks. */
  readonly largestBatch = (queue: string): number =>
    Math.max(1, ...this.#tasksOf(queue).map(({ batch }) => batch?.size ?? 1));

  /** Whether a task of the queue has `priorities`. */
  readonly hasPriorities = (queue: string): boolean => this.#tasksOf(queue).some(({ priorities }) => priorities);

  /** The queues, each with its lanes. */
  withLanes(queues: Iterable<string>): readonly string[] {
    return [...new Set(queues)].flatMap((queue) => (this.hasPriorities(queue) ? laneNames(queue) : [queue]));
  }

  /** Queues of the broker that tasks use, or that are given. */
  knownQueues(served: Iterable<string>): readonly string[] {
    return this.withLanes([...this.#registry.all().map(this.#queueOf), ...served]);
  }

  #tasksOf(queue: string): readonly TaskDefinition[] {
    return this.#registry.all().filter((definition) => this.#queueOf(definition) === queue);
  }
}
