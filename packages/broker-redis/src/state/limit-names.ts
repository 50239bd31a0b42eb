import { LIMIT_LIFE_MS } from '@brokkr/core/adapter';
import type { QueueCalls } from '../queue-calls.ts';

/** A key is noted again after this time, in milliseconds. */
const NOTE_EVERY_MS = 600_000;
/** Most keys that are kept. */
const MOST = 10_000;

/** A key of a limit. */
export interface LimitName {
  readonly limit: string;
  readonly key: string;
}

/** Which keys of limits were used lately: a sorted set by time, for `brokkr limits`. If a note is lost, the next one is stored ten minutes later. */
export class LimitNames {
  readonly #calls: QueueCalls;
  /** When each name was noted by this process, on the monotonic clock. */
  readonly #noted = new Map<string, number>();

  constructor(calls: QueueCalls) {
    this.#calls = calls;
  }

  note(limit: string, key: string): void {
    const name = `${limit} ${key}`;
    const now = performance.now();
    if (now - (this.#noted.get(name) ?? Number.NEGATIVE_INFINITY) < NOTE_EVERY_MS) return;
    if (this.#noted.size >= MOST) this.#noted.clear();
    this.#noted.set(name, now);
    void this.#store(name).catch(() => this.#noted.delete(name));
  }

  /** The last `most` names, the latest first. */
  async last(most: number): Promise<readonly LimitName[]> {
    const { limits } = this.#calls.keys;
    const names = await this.#calls.callAt(limits, 'zset', (client) =>
      client.zrange(limits, '0', String(most - 1), 'REV'),
    );
    return names.flatMap(readLimitName);
  }

  all(): Promise<readonly LimitName[]> {
    return this.last(MOST);
  }

  async #store(name: string): Promise<void> {
    const { limits } = this.#calls.keys;
    const now = Date.now();
    await this.#calls.callAt(limits, 'zset', (client) =>
      Promise.all([
        client.zadd(limits, now, name),
        client.zremrangebyscore(limits, '-inf', now - LIMIT_LIFE_MS),
        client.zremrangebyrank(limits, 0, -MOST - 1),
        client.pexpire(limits, LIMIT_LIFE_MS),
      ]),
    );
  }
}

/** The name of a limit has no space. A text without one is from another client. @returns at most one key */
export function readLimitName(name: string): readonly LimitName[] {
  const space = name.indexOf(' ');
  return space <= 0 ? [] : [{ limit: name.slice(0, space), key: name.slice(space + 1) }];
}
