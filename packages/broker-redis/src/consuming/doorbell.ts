import type { Client } from '../connection/connect.ts';

/** The server ends a wait after this long, so that a dead connection is noticed. */
const BLOCK_SECONDS = 5;
/** A wait that the server has not ended by then is on a dead connection. */
const SILENCE_MS = 8_000;
/** A client whose waits have all failed for so long is replaced. */
const GIVE_UP_MS = 15_000;
/** After a failure, before the next try. */
const PAUSE_MS = 100;

/**
 * Waits for the bell of one queue, on a connection of its own. Only the bell is popped, never a message: a lost
 * answer costs a moment, and loses nothing.
 */
export class Doorbell {
  readonly #key: string;
  readonly #connect: () => Client;
  /** A ring that nobody here waited for: somebody else shall hear it. */
  readonly #passOn: () => void;
  #client: Client | undefined;
  #listening = false;
  #wake: (() => void) | undefined;
  #closed = false;
  #failingSince: number | undefined;

  constructor(key: string, connect: () => Client, passOn: () => void) {
    this.#key = key;
    this.#connect = connect;
    this.#passOn = passOn;
  }

  /** Resolves when the bell rings, after `ms`, when `signal` aborts, or when it is closed. */
  wait(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#closed || signal.aborted || ms <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(wake, ms);
      signal.addEventListener('abort', wake, { once: true });
      this.#wake = wake;
      if (!this.#listening) void this.#listen();
    });
  }

  close(): void {
    this.#closed = true;
    this.#client?.disconnect();
    this.#wake?.();
  }

  /** One blocking pop is enough for many waits: it stays while a timer wakes the waiter, and serves the next. */
  async #listen(): Promise<void> {
    this.#listening = true;
    while (this.#wake !== undefined && !this.#closed) {
      const rang = await this.#pop();
      if (rang && this.#wake === undefined) this.#passOn();
      if (rang) this.#wake?.();
    }
    this.#listening = false;
  }

  async #pop(): Promise<boolean> {
    if (this.#client === undefined) {
      this.#client = this.#connect();
      // Its failures end the pop, and the next one connects again.
      this.#client.on('error', () => undefined);
    }
    const client = this.#client;
    const dead = setInterval(() => client.disconnect(true), SILENCE_MS);
    try {
      const rang = (await client.blpop(this.#key, BLOCK_SECONDS)) !== null;
      this.#failingSince = undefined;
      return rang;
    } catch {
      this.#failingSince ??= performance.now();
      if (performance.now() - this.#failingSince >= GIVE_UP_MS) {
        this.#failingSince = undefined;
        this.#client = undefined;
        client.disconnect();
      }
      if (!this.#closed) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      return false;
    } finally {
      clearInterval(dead);
    }
  }
}
