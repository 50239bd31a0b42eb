/** Label of tasks and queues that have no cell of their own. */
export const OTHER = '_other';

/** Cells of one table. Every cell is several time series: names that a sender invents must not fill the memory. */
const MOST_CELLS = 200;

/** Counts that belong to one task on one queue. */
export interface Cell {
  readonly queue: string;
  readonly task: string;
}

/**
 * A cell for each queue and task, at most 200. Further tasks share one cell of their queue with the task `_other`, and
 * further queues share one in all.
 */
export class CellTable<C extends Cell> {
  readonly #make: (queue: string, task: string) => C;
  readonly #queues = new Map<string, Map<string, C>>();
  #size = 0;
  #last: C | undefined;

  constructor(make: (queue: string, task: string) => C) {
    this.#make = make;
  }

  get(queue: string, task: string): C {
    const last = this.#last;
    if (last !== undefined && last.task === task && last.queue === queue) return last;
    const cell = this.#queues.get(queue)?.get(task) ?? this.#further(queue, task);
    this.#last = cell;
    return cell;
  }

  *[Symbol.iterator](): IterableIterator<C> {
    for (const tasks of this.#queues.values()) yield* tasks.values();
  }

  #further(queue: string, task: string): C {
    const others = this.#queues.get(queue)?.get(OTHER);
    if (this.#size < MOST_CELLS) return this.#put(queue, task);
    if (others !== undefined) return others;
    // Half of the table may be added for the other tasks of its queues.
    if (this.#size < 1.5 * MOST_CELLS && this.#queues.has(queue)) return this.#put(queue, OTHER);
    return this.#queues.get(OTHER)?.get(OTHER) ?? this.#put(OTHER, OTHER);
  }

  #put(queue: string, task: string): C {
    const cell = this.#make(queue, task);
    const tasks = this.#queues.get(queue);
    if (tasks === undefined) this.#queues.set(queue, new Map([[task, cell]]));
    else tasks.set(task, cell);
    this.#size++;
    return cell;
  }
}
