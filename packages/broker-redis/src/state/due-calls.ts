// From the module: tests that fake timers replace the global function.
import { clearTimeout, setTimeout } from 'node:timers';
import { batches } from '../batches.ts';
import type { QueueCalls } from '../queue-calls.ts';
import { noteCalls, readCalls } from '../scripts/due-calls.ts';
import { type LimitName, readLimitName } from './limit-names.ts';

/** Notes of so long a time are stored in one call, in milliseconds. */
const TOGETHER_MS = 1_000;

interface Note {
  readonly how: 'earlier' | 'at' | 'never';
  /** From now, in milliseconds. */
  readonly ms: number;
  readonly notedAt: number;
}

/**
 * For which keys of limits messages wait, and when each is to be called next: a sorted set by time. Workers that call a key
 * move its time on. So a key whose time has passed has lost its callers, and any worker may call it.
 */
export class DueCalls {
  readonly #calls: QueueCalls;
  readonly #notes = new Map<string, Note>();
  #timer: NodeJS.Timeout | undefined;

  constructor(calls: QueueCalls) {
    this.#calls = calls;
  }

  /** A message waits for a key. */
  refused(limit: string, key: string, ms: number): void {
    const name = `${limit} ${key}`;
    const now = performance.now();
    const noted = this.#notes.get(name);
    if (noted === undefined || noted.how === 'never') this.#note(name, { how: 'earlier', ms, notedAt: now });
    else if (noted.notedAt + noted.ms > now + ms) this.#note(name, { how: noted.how, ms, notedAt: now });
  }

  /** A key was called. @param againMs as the store answered */
  called(limit: string, key: string, againMs: number | undefined): void {
    const notedAt = performance.now();
    const how = againMs === undefined ? 'never' : 'at';
    this.#note(`${limit} ${key}`, { how, ms: againMs ?? 0, notedAt });
  }

  async read(which: 'all' | 'overdue'): Promise<readonly LimitName[]> {
    const names = await this.#calls.runAt(readCalls, this.#calls.keys.limitCalls, [which === 'overdue' ? '1' : '0']);
    return (names as readonly Buffer[]).flatMap((name) => readLimitName(String(name)));
  }

  /** Stores what is noted. Never rejects. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#store();
  }

  #note(name: string, note: Note): void {
    this.#notes.set(name, note);
    this.#timer ??= setTimeout(() => void this.#store(), TOGETHER_MS).unref();
  }

  /** Notes that are lost are stored with the next calls. */
  async #store(): Promise<void> {
    this.#timer = undefined;
    const now = performance.now();
    const notes = [...this.#notes];
    this.#notes.clear();
    const calls = batches(notes).map((part) => {
      const args = part.flatMap(([name, { how, ms, notedAt }]) => [how, String(Math.ceil(ms - (now - notedAt))), name]);
      return this.#calls.runAt(noteCalls, this.#calls.keys.limitCalls, args);
    });
    await Promise.allSettled(calls);
  }
}
