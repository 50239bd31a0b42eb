import type { Redis } from 'ioredis';
import { retryStrategy } from './client-options.ts';

/** How often the connection is tried while a listener wants to know of gaps. */
const BEAT_MS = 10_000;
/** A connection that does not answer for so long is replaced. */
const ANSWER_MS = 5_000;

export interface ChannelListener {
  readonly hear: (message: string) => void;
  /** Called once the connection is back after a break: messages may have been missed. */
  readonly gap?: (() => void) | undefined;
}

/** One connection of a process for all its channels. It is made at the first subscription, and again if it breaks. */
export class Subscriber {
  readonly #connect: () => Redis;
  readonly #listeners = new Map<string, Set<ChannelListener>>();
  #client: Redis | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #missed = false;
  #closed = false;

  constructor(connect: () => Redis) {
    this.#connect = connect;
  }

  /** Resolves once messages that are sent later are heard. `stop` with the same arguments ends it. */
  async listen(channel: string, listener: ChannelListener): Promise<void> {
    const listeners = this.#listeners.get(channel);
    if (listeners === undefined) this.#listeners.set(channel, new Set([listener]));
    else listeners.add(listener);
    this.#client ??= this.#watched(this.#connect());
    this.#schedule();
    await this.#client.subscribe(channel);
  }

  stop(channel: string, listener: ChannelListener): void {
    const listeners = this.#listeners.get(channel);
    listeners?.delete(listener);
    if (listeners?.size !== 0) return;
    this.#listeners.delete(channel);
    this.#client?.unsubscribe(channel).catch(() => undefined);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#listeners.clear();
    this.#client?.disconnect();
  }

  #watched(client: Redis): Redis {
    client.on('error', () => undefined);
    client.on('message', (channel: string, message: string) => {
      for (const { hear } of [...(this.#listeners.get(channel) ?? [])]) hear(message);
    });
    client.on('close', () => {
      this.#missed = true;
    });
    client.on('ready', () => void this.#resubscribe(client));
    client.on('end', () => {
      if (client !== this.#client || this.#closed) return;
      this.#client = undefined;
      this.#schedule(retryStrategy(++this.#failures));
    });
    return client;
  }

  /** Subscribes to every channel after a break. */
  async #resubscribe(client: Redis): Promise<void> {
    const channels = [...this.#listeners.keys()];
    if (!this.#missed || channels.length === 0) return;
    this.#missed = false;
    try {
      await client.subscribe(...channels);
    } catch {
      // The connection broke again: the next one subscribes.
      this.#missed = true;
      return;
    }
    this.#failures = 0;
    for (const listeners of this.#listeners.values()) for (const { gap } of [...listeners]) gap?.();
  }

  #schedule(afterMs?: number): void {
    if (this.#closed) return;
    if (afterMs !== undefined) clearTimeout(this.#timer);
    else if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => void this.#beat(), afterMs ?? BEAT_MS);
    this.#timer.unref();
  }

  /** Tries the connection: one that was cut without a sign would stay silent for many minutes. */
  async #beat(): Promise<void> {
    this.#timer = undefined;
    const [channel] = this.#listeners.keys();
    if (channel === undefined) return;
    const client = this.#client;
    if (client === undefined || !(await answers(client, channel))) this.#replace(client);
    this.#schedule(this.#client === undefined ? retryStrategy(++this.#failures) : undefined);
  }

  #replace(old: Redis | undefined): void {
    if (this.#closed || old !== this.#client) return;
    this.#client = undefined;
    old?.disconnect();
    this.#missed = true;
    try {
      this.#client = this.#watched(this.#connect());
      this.#client.connect().catch(() => undefined);
    } catch {
      // No node of the cluster is known now.
    }
  }
}

/** Whether the server confirms a subscription, which changes nothing, in time. */
async function answers(client: Redis, channel: string): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ANSWER_MS);
    timer.unref();
  });
  const confirmed = client.subscribe(channel).then(
    () => true,
    () => false,
  );
  const isAlive = await Promise.race([confirmed, tooLate]);
  clearTimeout(timer);
  return isAlive;
}
