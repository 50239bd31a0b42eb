import type { WorkerDirectory } from '@brokkr/core/adapter';
import type { QueueCalls } from '../queue-calls.ts';
import { releaseWorker } from '../scripts/release-worker.ts';
import { queueNames } from './queue-names.ts';

/** Ends the leases of workers that died. */
export class RedisWorkerDirectory implements WorkerDirectory {
  readonly #calls: QueueCalls;

  constructor(calls: QueueCalls) {
    this.#calls = calls;
  }

  /** @throws the error of the first queue that failed, after the leases of all others were ended */
  async release(workerId: string): Promise<number> {
    const { valid } = await queueNames(this.#calls);
    const released = await Promise.allSettled(valid.map((queue) => this.#release(queue, workerId)));
    const failed = released.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return released.reduce((total, outcome) => total + (outcome.status === 'fulfilled' ? outcome.value : 0), 0);
  }

  async #release(queue: string, workerId: string): Promise<number> {
    let released = 0;
    let cursor = '0';
    do {
      const answer = (await this.#calls.run(releaseWorker, queue, [workerId, cursor])) as readonly [Buffer, number];
      cursor = String(answer[0]);
      released += answer[1];
    } while (cursor !== '0');
    return released;
  }
}
