import { isCluster } from '../connection/connect.ts';
import type { Connection } from '../connection/connection.ts';
import type { Keys } from '../keys.ts';
import { look } from '../scripts/look.ts';

/** Queues in one call: enough to be worth a round trip, few enough not to block the server. */
const QUEUES_AT_ONCE = 100;

interface Question {
  readonly queue: string;
  readonly answer: (ms: number) => void;
}

/** Looks at many queues in few calls: all that are asked for in one turn of the event loop are answered together. */
export class Lookout {
  readonly #connection: Connection;
  readonly #keys: Keys;
  #questions: Question[] = [];

  constructor(connection: Connection, keys: Keys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  /**
   * Returns the milliseconds until the queue has something to claim: 0 now, -1 if nothing is ready, delayed or leased.
   * If the server cannot be asked, it returns 0: the claim that follows fails too, and reports why.
   * @param signal ends the wait for a server that is unreachable
   */
  look(queue: string, signal: AbortSignal): Promise<number> {
    return new Promise((answer) => {
      this.#questions.push({ queue, answer });
      if (this.#questions.length === 1) setImmediate(() => void this.#answer(signal));
    });
  }

  /** The same for several queues, in their order. */
  async lookAt(queues: readonly string[], signal?: AbortSignal): Promise<readonly number[]> {
    const size = isCluster(this.#connection.client) ? 1 : QUEUES_AT_ONCE;
    const parts = Array.from({ length: Math.ceil(queues.length / size) }, (_, index) =>
      queues.slice(index * size, (index + 1) * size),
    );
    return (await Promise.all(parts.map((part) => this.#lookAt(part, signal)))).flat();
  }

  async #answer(signal: AbortSignal): Promise<void> {
    const questions = this.#questions;
    this.#questions = [];
    const queues = questions.map(({ queue }) => queue);
    const answers = await this.lookAt(queues, signal);
    for (const [index, { answer }] of questions.entries()) answer(answers[index] ?? 0);
  }

  async #lookAt(queues: readonly string[], signal: AbortSignal | undefined): Promise<readonly number[]> {
    try {
      const keys = queues.map((queue) => this.#keys.queue(queue));
      return (await this.#connection.run(look, keys, [], { signal })) as readonly number[];
    } catch {
      return queues.map(() => 0);
    }
  }
}
