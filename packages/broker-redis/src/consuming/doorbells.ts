import { randomUUID } from 'node:crypto';
import type { BrokerOptions } from '@brokkr/core/adapter';
import { type Client, isCluster } from '../connection/connect.ts';
import type { Connection } from '../connection/connection.ts';
import type { Keys } from '../keys.ts';
import { passOn } from '../scripts/pass-on.ts';
import { Doorbell, type Listening } from './doorbell.ts';
import { DoorbellLine } from './doorbell-line.ts';
import type { Lookout } from './lookout.ts';

/**
 * How often idle queues are looked at although no doorbell rang: any worker may have to return the expired leases of
 * another one, and a ring can be lost.
 */
const LOOK_EVERY_MS = 5_000;
/** The same if the user may not make blocking pops: then nothing but looking finds a message. */
const LOOK_OFTEN_MS = 250;
const WAKE_LIFE_MS = 60_000;

export interface DoorbellsOptions {
  readonly connection: Connection;
  readonly keys: Keys;
  readonly lookout: Lookout;
  /** Creates a connection for blocking pops. */
  readonly connect: () => Client;
  readonly logger: BrokerOptions['logger'];
}

/**
 * The doorbells of all queues that this process waits for. All of them share one connection, and are looked at by one
 * timer. On a cluster every queue has a connection of its own, because a blocking pop takes keys of one slot only.
 */
export class Doorbells implements Listening {
  readonly #options: DoorbellsOptions;
  readonly #wakeKey: string;
  /** Those that wait, by queue; the longest wait first. */
  readonly #waiting = new Map<string, Set<Doorbell>>();
  readonly #lines = new Map<string, DoorbellLine>();
  #timer: NodeJS.Timeout | undefined;
  #isRefused = false;
  #closed = false;

  constructor(options: DoorbellsOptions) {
    this.#options = options;
    this.#wakeKey = options.keys.wake(randomUUID());
  }

  doorbell(queue: string): Doorbell {
    return new Doorbell(queue, this);
  }

  /** Rings again for another consumer, if there is anything to claim. */
  passOn(queue: string): void {
    const { connection, keys } = this.#options;
    connection.run(passOn, keys.queue(queue), []).catch(() => undefined);
  }

  listen(doorbell: Doorbell): void {
    const { queue } = doorbell;
    const waiting = this.#waiting.get(queue);
    if (waiting === undefined) this.#waiting.set(queue, new Set([doorbell]));
    else waiting.add(doorbell);
    this.#lineOf(queue).add(this.#options.keys.bell(queue));
    this.#schedule();
  }

  stopListening(doorbell: Doorbell): void {
    const waiting = this.#waiting.get(doorbell.queue);
    waiting?.delete(doorbell);
    if (waiting?.size !== 0) return;
    this.#waiting.delete(doorbell.queue);
    if (this.#waiting.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  close(): void {
    this.#closed = true;
    for (const line of this.#lines.values()) line.close();
    for (const waiting of [...this.#waiting.values()]) for (const doorbell of [...waiting]) doorbell.close();
  }

  #lineOf(queue: string): DoorbellLine {
    const { connection, connect, keys } = this.#options;
    const isShared = !isCluster(connection.client);
    const name = isShared ? '' : queue;
    const known = this.#lines.get(name);
    if (known !== undefined) return known;
    const line = new DoorbellLine({
      connect,
      wakeKey: isShared ? this.#wakeKey : undefined,
      interrupt: () => this.#interrupt(),
      isAwaited: () => (isShared ? this.#waiting.size > 0 : this.#waiting.has(queue)),
      ring: (bell) => this.#ring(keys.queueOfBell(bell)),
      setRefused: (refusal) => this.#setRefused(refusal),
    });
    this.#lines.set(name, line);
    return line;
  }

  #ring(queue: string): boolean {
    const [longest] = this.#waiting.get(queue) ?? [];
    if (longest === undefined) this.passOn(queue);
    else longest.wake(true);
    return longest !== undefined;
  }

  async #interrupt(): Promise<void> {
    const key = this.#wakeKey;
    // It is deleted after a while, because this process may end before it pops the element.
    const wake = (client: Client) => Promise.all([client.rpush(key, '1'), client.pexpire(key, WAKE_LIFE_MS)]);
    await this.#options.connection.call(wake).catch(() => undefined);
  }

  #setRefused(refusal: unknown): void {
    const isRefused = refusal !== undefined;
    if (isRefused === this.#isRefused) return;
    this.#isRefused = isRefused;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#schedule();
    if (!isRefused) return;
    this.#options.logger?.warn(
      { code: 'RIGHT_MISSING', error: refusal },
      `the Redis user may not run BLPOP: idle workers look for messages every ${LOOK_OFTEN_MS} ms instead; grant it with ACL SETUSER … +blpop`,
    );
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#closed || this.#waiting.size === 0) return;
    // Full agreement of many workers would make them all look at the same moment.
    const everyMs = this.#isRefused ? LOOK_OFTEN_MS : LOOK_EVERY_MS;
    this.#timer = setTimeout(() => void this.#look(), everyMs * (0.8 + 0.4 * Math.random()));
  }

  /** Wakes the consumers of queues that have something to claim. */
  async #look(): Promise<void> {
    this.#timer = undefined;
    const queues = [...this.#waiting.keys()];
    const waits = await this.#options.lookout.lookAt(queues);
    for (const [index, queue] of queues.entries()) {
      const [longest] = this.#waiting.get(queue) ?? [];
      const ms = waits[index] ?? -1;
      if (ms === 0) longest?.wake(false);
      else if (ms > 0) longest?.wakeWithin(ms);
    }
    this.#schedule();
  }
}
