import { setTimeout as sleep } from 'node:timers/promises';
import { BrokerUnavailableError } from '@brokkr/core/adapter';
import { declarationError, isRefused, replyCode } from '../connection/amqp-errors.ts';
import type { Connection } from '../connection/connection.ts';
import { Turns } from '../connection/turns.ts';
import { findRoutedKeys } from './find-routed-keys.ts';

/** The queue is exclusive, and belongs to another connection (AMQP 0-9-1, section 1.8). */
const RESOURCE_LOCKED = 405;
/** Routes a message to the queue whose name is its key. */
const DEFAULT_EXCHANGE = '';
const AGAIN_MS = 20;

/**
 * Lets one process at a time look into a queue. A look takes messages and returns them: a concurrent look would not see
 * them, and would not find a dead letter to redrive. The lock is an exclusive queue, which ends with its connection.
 */
export class LookLock {
  readonly #connection: Connection;
  readonly #publishing: Connection;
  /** For each queue: an exclusive queue does not keep out calls of the same connection. */
  readonly #turns = new Map<string, Turns>();

  /** @param publishing a connection that may be stopped by an alarm */
  constructor(connection: Connection, publishing: Connection) {
    this.#connection = connection;
    this.#publishing = publishing;
  }

  /**
   * Runs `use` while no other call looks into the same queue.
   * @param name of the lock on the server
   * @throws BrokerUnavailableError if another process holds the lock for longer than the timeout of the connection
   */
  run<T>(name: string, use: () => Promise<T>): Promise<T> {
    const turns = this.#turns.get(name) ?? new Turns(() => 1);
    this.#turns.set(name, turns);
    return turns.run(async () => {
      const isHeld = await this.#acquire(name);
      try {
        return await use();
      } finally {
        if (isHeld) await this.#release(name);
      }
    });
  }

  /** Returns those of `names` that a process holds now; none during an alarm, and for a user that may not publish. */
  async heldOf(names: readonly string[]): Promise<ReadonlySet<string>> {
    if (this.#publishing.isBlocked) return new Set();
    return findRoutedKeys(this.#publishing, DEFAULT_EXCHANGE, names).catch(() => new Set());
  }

  /** Returns false for a user that may declare no queue: it looks without a lock. */
  async #acquire(name: string): Promise<boolean> {
    const connection = this.#connection;
    const giveUpAt = performance.now() + connection.timeoutMs;
    for (;;) {
      try {
        await connection.withChannel((channel) =>
          connection.withTimeout(
            Promise.resolve(channel.assertQueue(name, { exclusive: true, durable: false, autoDelete: false })),
          ),
        );
        return true;
      } catch (error) {
        if (isRefused(error)) return false;
        if (replyCode(error) !== RESOURCE_LOCKED) throw declarationError(`queue ${name}`, error, connection.address);
        if (performance.now() > giveUpAt) {
          throw new BrokerUnavailableError(
            `another process has been reading this queue for ${connection.timeoutMs} ms; try again`,
            { cause: error },
          );
        }
        await sleep(AGAIN_MS * (0.5 + Math.random()));
      }
    }
  }

  /** Releases the lock. If that fails, the connection broke, and the lock ended with it. */
  async #release(name: string): Promise<void> {
    const connection = this.#connection;
    await connection
      .withChannel((channel) => connection.withTimeout(Promise.resolve(channel.deleteQueue(name))))
      .catch(() => undefined);
  }
}
