import type { Client } from '../connection/connect.ts';

/** The server ends a blocking pop after this long, so that a dead connection is noticed. */
const BLOCK_SECONDS = 5;
/** If a blocking pop has not ended by then, its connection is dead. */
const SILENCE_MS = 8_000;
/** A client whose pops have all failed for so long is replaced. */
const GIVE_UP_MS = 15_000;
/** Pause after a failed pop. */
const PAUSE_MS = 100;
/** Pause after a pop that the user is not allowed to make. */
const REFUSED_PAUSE_MS = 30_000;
/** Bells that are added within this time are added by one interruption. */
const GATHER_MS = 2;

export interface DoorbellLineOptions {
  readonly connect: () => Client;
  /** A list of this line alone: an element in it ends the blocking pop. Absent if the line has only one bell. */
  readonly wakeKey: string | undefined;
  /** Puts an element into `wakeKey`. Never rejects. */
  readonly interrupt: () => Promise<void>;
  /** Whether any consumer waits for a bell. */
  readonly isAwaited: () => boolean;
  /** Wakes a consumer, and returns whether there was one. */
  readonly ring: (bell: string) => boolean;
  /** Reports that the Redis user may not make blocking pops, or may again. */
  readonly setRefused: (refusal: unknown) => void;
}

/**
 * One connection that waits for many doorbells with one blocking pop. Only bells are popped, never messages: a lost
 * answer costs time, and loses nothing.
 *
 * The pop keeps a bell while its consumer is busy for a moment, because changing the bells of a pop needs one more call.
 * If such a bell rings and no consumer waits for it, it is left out from then on.
 */
export class DoorbellLine {
  readonly #options: DoorbellLineOptions;
  readonly #bells = new Set<string>();
  /** The bells of the pop that blocks now. */
  #blocking: ReadonlySet<string> | undefined;
  #client: Client | undefined;
  #isListening = false;
  #isInterrupting = false;
  #gathering: NodeJS.Timeout | undefined;
  /** Ends the pop or the pause that is waited for. */
  #stopWaiting: (() => void) | undefined;
  #failingSince: number | undefined;
  #closed = false;

  constructor(options: DoorbellLineOptions) {
    this.#options = options;
  }

  add(bell: string): void {
    if (this.#closed) return;
    this.#bells.add(bell);
    if (!this.#isListening) void this.#listen();
    else if (this.#blocking?.has(bell) === false) this.#interrupt();
  }

  remove(bell: string): void {
    this.#bells.delete(bell);
  }

  /** Leaves no timer, socket or pending promise behind, whatever state the connection was in. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#gathering);
    this.#client?.disconnect();
    this.#stopWaiting?.();
  }

  async #listen(): Promise<void> {
    this.#isListening = true;
    // The queues of a worker become idle at the same time: their bells are waited for by one pop.
    await new Promise(setImmediate);
    while (!this.#closed && this.#bells.size > 0 && this.#options.isAwaited()) {
      this.#blocking = new Set(this.#bells);
      const rang = await this.#pop([...this.#blocking]);
      this.#blocking = undefined;
      if (rang === undefined || rang === this.#options.wakeKey) continue;
      if (!this.#options.ring(rang)) this.#bells.delete(rang);
    }
    this.#isListening = false;
  }

  /** @returns the bell that rang; `undefined` if the time has passed, or the pop failed */
  async #pop(bells: readonly string[]): Promise<string | undefined> {
    const { connect, wakeKey, setRefused } = this.#options;
    // Its failures end the pop, and the next one reconnects.
    this.#client ??= connect().on('error', () => undefined);
    const client = this.#client;
    const keys = wakeKey === undefined ? bells : [...bells, wakeKey];
    // A prefix may be a number: the client writes it before each key.
    const prefix = String(client.options.keyPrefix ?? '');
    try {
      const popped = await this.#bounded(client.blpop([...keys], BLOCK_SECONDS), SILENCE_MS, () => this.#drop(client));
      this.#failingSince = undefined;
      setRefused(undefined);
      return popped?.[0].slice(prefix.length);
    } catch (error) {
      await this.#recover(error, client, bells);
      return undefined;
    }
  }

  async #recover(error: unknown, client: Client, bells: readonly string[]): Promise<void> {
    if (error instanceof Error && error.message.startsWith('NOPERM')) {
      this.#options.setRefused(error);
      await this.#bounded(undefined, REFUSED_PAUSE_MS);
      return;
    }
    if (error instanceof Error && error.message.startsWith('WRONGTYPE')) {
      const types = await Promise.all(bells.map((bell) => client.type(bell).catch(() => 'none')));
      // A foreign value under one bell must not stop the others. Its queue is found by looking.
      for (const [index, bell] of bells.entries()) if (!/^(list|none)$/.test(types[index] ?? '')) this.remove(bell);
    } else {
      this.#failingSince ??= performance.now();
      if (performance.now() - this.#failingSince >= GIVE_UP_MS) this.#drop(client);
    }
    await this.#bounded(undefined, PAUSE_MS);
  }

  /** The next pop connects a new client. */
  #drop(client: Client): void {
    this.#failingSince = undefined;
    if (this.#client === client) this.#client = undefined;
    client.disconnect();
  }

  /** Resolves with `undefined` after `ms`, or when the line is closed. */
  #bounded<T>(promise: Promise<T> | undefined, ms: number, onTimeout?: () => void): Promise<T | undefined> {
    if (this.#closed) {
      promise?.catch(() => undefined);
      return Promise.resolve(undefined);
    }
    return new Promise((resolve, reject) => {
      const settled = () => {
        clearTimeout(timer);
        // A late answer must not end the wait after this one.
        if (this.#stopWaiting === stop) this.#stopWaiting = undefined;
      };
      const stop = () => {
        settled();
        resolve(undefined);
      };
      const timer = setTimeout(() => {
        stop();
        onTimeout?.();
      }, ms);
      this.#stopWaiting = stop;
      promise?.finally(settled).then(resolve, reject);
    });
  }

  /** Ends the blocking pop: the next one waits for all bells. */
  #interrupt(): void {
    if (this.#isInterrupting || this.#options.wakeKey === undefined) return;
    this.#isInterrupting = true;
    this.#gathering = setTimeout(async () => {
      await this.#options.interrupt();
      this.#isInterrupting = false;
      // Bells that were added after the pop was sent again, and before the answer to this interruption arrived.
      if (!this.#closed && [...this.#bells].some((bell) => this.#blocking?.has(bell) === false)) this.#interrupt();
    }, GATHER_MS);
  }
}
