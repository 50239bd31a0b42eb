import { deadLetterQueue } from '@brokkr/core/adapter';
import { TOP_LEVEL, type LadderPath } from './delay-ladder.ts';

/** Names of queues and exchanges on the server. Queue names of users contain no colon, so nothing collides. */
export class Names {
  readonly #namespace: string;

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  queue(queue: string): string {
    return `${this.#namespace}.${queue}`;
  }

  /** Queue of the suspects, in which they wait until they run alone. */
  quarantine(queue: string): string {
    return `${this.queue(queue)}.quarantine`;
  }

  dead(queue: string): string {
    return this.queue(deadLetterQueue(queue));
  }

  /**
   * The dead-letter exchange of all queues. The routing key of a letter is the application's name of the queue that it
   * comes from: `emails` leads to the queue `brokkr.emails.dead`.
   */
  get deadExchange(): string {
    return `${this.#namespace}:dead`;
  }

  /** Exchange for messages that wait for a step of this level or a lower one. */
  ladder(queue: string, level: number): string {
    return `${this.queue(queue)}.delay.${level}`;
  }

  rung(queue: string, level: number, steps: number): string {
    return `${this.ladder(queue, level)}.${steps}`;
  }

  /** Queue that the process holds which looks into `source`, the server's name of a queue. */
  lookLock(source: string): string {
    return `${this.#namespace}:look:${source.slice(this.#namespace.length + 1)}`;
  }

  /** Exchange that has a binding for each existing rung, because the server does not list queues. */
  get rungs(): string {
    return `${this.#namespace}:rungs`;
  }

  /** Queue whose single active consumer leads. */
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

  /** A queue with which one process reads the clock of the server. */
  clock(id: string): string {
    return `${this.#namespace}:clock:${id}`;
  }

  /** Holds the values of one shard, in its only message. */
  state(shard: number): string {
    return `${this.#namespace}:state:${shard}`;
  }

  rungKey(queue: string, level: number, steps: number): string {
    return `${queue}/${level}/${steps}`;
  }
}

/** Returns the routing key of a path, such as `0.0.0.2.7`. The exchange of each level reads its own part. */
export function ladderKey(path: LadderPath): string {
  return path.join('.');
}

/** Returns the pattern with which the exchange of `level` binds the rung of `steps`. */
export function ladderPattern(level: number, steps: number): string {
  return [...Array.from({ length: TOP_LEVEL - level }, () => '*'), steps, '#'].join('.');
}
