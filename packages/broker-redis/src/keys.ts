import { keyDigest } from './key-digest.ts';

const PLAIN_KEY = /^[A-Za-z0-9._:@-]{0,100}$/;

/**
 * Names of the Redis keys that TypeScript uses; those that only scripts use are in scripts/parts.ts. The braces are a hash
 * tag: all keys of a queue are on one node of a cluster.
 */
export class Keys {
  readonly #namespace: string;

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  /** Prefix of every key of a queue: `brokkr:{emails}`. */
  queue(name: string): string {
    return `${this.#namespace}:{${name}}`;
  }

  bell(name: string): string {
    return `${this.queue(name)}:bell`;
  }

  /** The queue of a key that `bell` returned. */
  queueOfBell(key: string): string {
    return key.slice(this.#namespace.length + 2, -'}:bell'.length);
  }

  /** List that interrupts the blocking pop of one process. */
  wake(id: string): string {
    return `${this.#namespace}:wake:${id}`;
  }

  /** Ids of the ready messages; the head is next. */
  ready(name: string): string {
    return `${this.queue(name)}:ready`;
  }

  /** Messages that are ready, delayed or running, by id. */
  messages(name: string): string {
    return `${this.queue(name)}:messages`;
  }

  /** Ids of the dead letters, oldest first. */
  dead(name: string): string {
    return `${this.queue(name)}:dead`;
  }

  /** Dead letters by id. */
  letters(name: string): string {
    return `${this.queue(name)}:letters`;
  }

  /** Name of the queue that an idempotency key belongs to. */
  slot(digest: string): string {
    return `${this.#namespace}:key:${digest}`;
  }

  /** Set of the names of all queues that were ever used. */
  get queues(): string {
    return `${this.#namespace}:queues`;
  }

  result(id: string): string {
    return `${this.#namespace}:result:${id}`;
  }

  record(key: string): string {
    return `${this.#namespace}:record:${key}`;
  }

  /** Key for trying the commands that the user may need. It holds a value for at most a second. */
  get rights(): string {
    return `${this.#namespace}:rights`;
  }

  /** Prefix of the keys of the workers' reports: one hash tag, so that all of them are on one node of a cluster. */
  get workers(): string {
    return `${this.#namespace}:{workers}`;
  }

  /** Channel of the signals. */
  get signals(): string {
    return `${this.#namespace}:signals`;
  }

  /** Prefix of a key of a limit, with a hash tag of its own. A key of other characters than these is a digest. */
  limit(limit: string, key: string): string {
    const tag = PLAIN_KEY.test(key) ? key : `#${keyDigest(key)}`;
    return `${this.#namespace}:limit:{${limit}:${tag}}`;
  }

  /** The keys of limits that were used lately, by time. */
  get limits(): string {
    return `${this.#namespace}:limits`;
  }

  /** The keys of limits for which messages wait, by the time of their next calls. */
  get limitCalls(): string {
    return `${this.#namespace}:limits:calls`;
  }

  get state(): string {
    return `${this.#namespace}:state`;
  }
}
