import { deadLetterQueue } from '@brokkr/core/adapter';
import { TOP_LEVEL, type LadderPath } from './delay-ladder.ts';

/** What things are called on the server. Colons stand in no queue name of a user's: nothing collides. */
export class Names {
  readonly #namespace: string;

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  queue(queue: string): string {
    return `${this.#namespace}.${queue}`;
  }

  /** Where what may have cost two workers waits to be run alone. */
  quarantine(queue: string): string {
    return `${this.queue(queue)}.quarantine`;
  }

  dead(queue: string): string {
    return this.queue(deadLetterQueue(queue));
  }

  /** The dead-letter exchange of all queues; its routing keys are their names. */
  get deadExchange(): string {
    return `${this.#namespace}:dead`;
  }

  /** Takes in what waits a step of this level or less. */
  ladder(queue: string, level: number): string {
    return `${this.queue(queue)}.delay.${level}`;
  }

  rung(queue: string, level: number, steps: number): string {
    return `${this.ladder(queue, level)}.${steps}`;
  }

  /** Held by the process that looks into the queue which the server calls `source`. */
  lookLock(source: string): string {
    return `${this.#namespace}:look:${source.slice(this.#namespace.length + 1)}`;
  }

  /** Knows which rungs exist, since the server does not list queues. */
  get rungs(): string {
    return `${this.#namespace}:rungs`;
  }

  /** Its one active consumer leads. */
  leader(name: string): string {
    return `${this.#namespace}:leader:${name}`;
  }

  /** The exchange of signals. */
  get signals(): string {
    return `${this.#namespace}:signals`;
  }

  /** The exchange over which viewers ask workers for reports. */
  get calls(): string {
    return `${this.#namespace}:calls`;
  }

  /** The exchange over which workers answer. */
  get reports(): string {
    return `${this.#namespace}:reports`;
  }

  /** The queue of one listener to `exchange`, by its name on the server. */
  listener(exchange: string, id: string): string {
    return `${exchange}:${id}`;
  }

  /** Holds the values of one shard, in its only message. */
  state(shard: number): string {
    return `${this.#namespace}:state:${shard}`;
  }

  rungKey(queue: string, level: number, steps: number): string {
    return `${queue}/${level}/${steps}`;
  }
}

/** `0.0.0.2.7`: read by the exchange of each level, which looks at its own place. */
export function ladderKey(path: LadderPath): string {
  return path.join('.');
}

/** What the exchange of `level` binds for `steps`. */
export function ladderPattern(level: number, steps: number): string {
  return [...Array.from({ length: TOP_LEVEL - level }, () => '*'), steps, '#'].join('.');
}
