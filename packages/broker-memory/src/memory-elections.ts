import type { Leadership } from '@brokkr/core/adapter';
import { closedError } from './closed-error.ts';

interface Candidate {
  readonly broker: object;
  readonly win: () => void;
  readonly fail: (error: Error) => void;
}

interface Leader {
  readonly broker: object;
  readonly release: () => void;
}

/** The leader of each name, and its candidates in order of arrival. */
export class MemoryElections {
  readonly #leaders = new Map<string, Leader>();
  readonly #waiting = new Map<string, Set<Candidate>>();

  async elect(name: string, signal: AbortSignal, broker: object): Promise<Leadership | undefined> {
    if (signal.aborted) return undefined;
    if (!this.#leaders.has(name)) return this.#lead(name, broker);
    return this.#wait(name, signal, broker);
  }

  /**
   * Ends the leaderships of a broker that closes, and rejects its waits. The next candidate of another broker leads.
   */
  leave(broker: object): void {
    for (const waiting of [...this.#waiting.values()]) {
      for (const candidate of [...waiting]) if (candidate.broker === broker) candidate.fail(closedError());
    }
    for (const leader of [...this.#leaders.values()]) if (leader.broker === broker) leader.release();
  }

  #wait(name: string, signal: AbortSignal, broker: object): Promise<Leadership | undefined> {
    const waiting = this.#waiting.get(name) ?? new Set();
    this.#waiting.set(name, waiting);
    return new Promise((resolve, reject) => {
      const done = () => {
        waiting.delete(candidate);
        signal.removeEventListener('abort', giveUp);
      };
      const giveUp = () => {
        done();
        resolve(undefined);
      };
      const candidate: Candidate = {
        broker,
        win: () => {
          done();
          resolve(this.#lead(name, broker));
        },
        fail: (error) => {
          done();
          reject(error);
        },
      };
      signal.addEventListener('abort', giveUp);
      waiting.add(candidate);
    });
  }

  #lead(name: string, broker: object): Leadership {
    const lost = new AbortController();
    const release = () => {
      if (lost.signal.aborted) return;
      this.#leaders.delete(name);
      lost.abort();
      const [next] = this.#waiting.get(name) ?? [];
      next?.win();
    };
    this.#leaders.set(name, { broker, release });
    return { lost: lost.signal, release: async () => release() };
  }
}
