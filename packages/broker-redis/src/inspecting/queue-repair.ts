import { BROKER_DEFAULTS, delayUntil, type Repair } from '@brokkr/core/adapter';
import { batches } from '../batches.ts';
import { decodeEnvelope } from '../envelope-codec.ts';
import type { QueueCalls } from '../queue-calls.ts';
import { moveSpoiledAway, putBack, relistLetters, dropEmptyLetters } from '../scripts/repair.ts';
import type { Script } from '../scripts/script.ts';
import { strandedMessages } from './stranded-messages.ts';

/** Undoes the damage that another client has done to the keys of one queue. */
export class QueueRepair {
  readonly #calls: QueueCalls;
  readonly #queue: string;
  readonly #done: Repair[] = [];

  constructor(calls: QueueCalls, queue: string) {
    this.#calls = calls;
    this.#queue = queue;
  }

  async run(): Promise<readonly Repair[]> {
    await this.#moveSpoiledAway();
    this.#note('MESSAGES_STRANDED', await this.#putBack(), 'messages were put back in line');
    this.#note(
      'LETTERS_STRANDED',
      await this.#pages(relistLetters),
      'dead letters were put back on the list of the dead',
    );
    this.#note('LETTERS_MISSING', await this.#dropEmptyLetters(), 'dead letters without content were removed');
    return this.#done;
  }

  #note(code: string, count: number, message: string): void {
    if (count > 0)
      this.#done.push({ code, queue: this.#queue, count, message: `queue ${this.#queue}: ${count} ${message}` });
  }

  async #moveSpoiledAway(): Promise<void> {
    const moved = (await this.#calls.run(moveSpoiledAway, this.#queue)) as readonly Buffer[];
    for (let at = 0; at < moved.length; at += 3) {
      const message = `queue ${this.#queue}: a foreign ${moved[at + 2]} was renamed to ${moved[at]}`;
      this.#done.push({ code: 'KEY_SPOILED', queue: this.#queue, count: 1, message });
    }
  }

  async #putBack(): Promise<number> {
    let back = 0;
    const key = this.#calls.keys.messages(this.#queue);
    for (const ids of batches(await strandedMessages(this.#calls, this.#queue))) {
      const stored = await this.#calls.call((client) => client.hmgetBuffer(key, ...ids));
      const now = Date.now();
      const args = ids.flatMap((id, index) => {
        const bytes = stored[index] ?? null;
        return bytes === null ? [] : [id, String(delayUntil(decodeEnvelope(id, this.#queue, bytes).notBefore, now))];
      });
      if (args.length === 0) continue;
      // A message that a worker held when its lease was lost waits for that worker.
      const leaseMs = String(BROKER_DEFAULTS.leaseMs);
      back += (await this.#calls.run(putBack, this.#queue, [leaseMs, ...args])) as number;
    }
    return back;
  }

  async #pages(script: Script): Promise<number> {
    let total = 0;
    let cursor = '0';
    do {
      const [next, count] = (await this.#calls.run(script, this.#queue, [cursor])) as readonly [Buffer, number];
      total += count;
      cursor = String(next);
    } while (cursor !== '0');
    return total;
  }

  async #dropEmptyLetters(): Promise<number> {
    let total = 0;
    for (let from = 0; ; ) {
      const [size, gone] = (await this.#calls.run(dropEmptyLetters, this.#queue, [String(from)])) as readonly [
        number,
        number,
      ];
      if (size === 0) return total;
      total += gone;
      from += size - gone;
    }
  }
}
