import type { Leadership } from '@brokkr/core';
import { closedError } from './closed-error.ts';

interface Candidate {
  readonly win: () => void;
  readonly fail: (error: Error) => void;
}

/** Who leads under each name, and who waits for it: first come, first served. */
export class MemoryElections {
  readonly #leaders = new Map<string, AbortController>();
  readonly #waiting = new Map<string, Set<Candidate>>();

  async elect(name: string, signal: AbortSignal): Promise<Leadership | undefined> {
    if (signal.aborted) return undefined;
    if (!this.#leaders.has(name)) return this.#lead(name);
    return this.#wait(name, signal);
  }

  /** Ends every leadership, and every wait with an error. */
  close(): void {
    for (const waiting of [...this.#waiting.values()]) for (const { fail } of [...waiting]) fail(closedError());
    for (const leader of this.#leaders.values()) leader.abort();
  }

  #wait(name: string, signal: AbortSignal): Promise<Leadership | undefined> {
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
        win: () => {
          done();
          resolve(this.#lead(name));
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

  #lead(name: string): Leadership {
    const leader = new AbortController();
    this.#leaders.set(name, leader);
    const release = async () => {
      if (leader.signal.aborted) return;
      this.#leaders.delete(name);
      leader.abort();
      const [next] = this.#waiting.get(name) ?? [];
      next?.win();
    };
    return { lost: leader.signal, release };
  }
}
