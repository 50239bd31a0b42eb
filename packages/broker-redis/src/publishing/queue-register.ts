import type { QueueCalls } from '../queue-calls.ts';

/** The list of queues can be lost while a process lives (FLUSHALL, DEL): each queue is added again this often. */
const AGAIN_AFTER_MS = 30_000;

/** Keeps the queues of this process on the server's list of queues. */
export class QueueRegister {
  readonly #calls: QueueCalls;
  /** When each queue was added, on the monotonic clock. */
  readonly #addedAt = new Map<string, number>();

  constructor(calls: QueueCalls) {
    this.#calls = calls;
  }

  has(queue: string): boolean {
    return this.#addedAt.has(queue);
  }

  /** Whether a queue has to be added before the next message is stored in it. */
  isDue(queue: string): boolean {
    const addedAt = this.#addedAt.get(queue);
    return addedAt === undefined || performance.now() - addedAt > AGAIN_AFTER_MS;
  }

  async add(queue: string): Promise<void> {
    const { queues } = this.#calls.keys;
    await this.#calls.callAt(queues, 'set', (client) => client.sadd(queues, queue));
    this.#addedAt.set(queue, performance.now());
  }

  /** Adds a queue again whose data the server has lost. The message is stored: a failure is left to the next publish. */
  async restore(queue: string): Promise<void> {
    await this.add(queue).catch(() => this.#addedAt.delete(queue));
  }
}
