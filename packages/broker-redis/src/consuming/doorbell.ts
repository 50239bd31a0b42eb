/** The members of `Doorbells` that a doorbell uses. */
export interface Listening {
  listen(doorbell: Doorbell): void;
  stopListening(doorbell: Doorbell): void;
}

/** Wakes one subscription when its queue has a message. One wait at a time. */
export class Doorbell {
  readonly queue: string;
  readonly #listening: Listening;
  #wake: ((rang: boolean) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(queue: string, listening: Listening) {
    this.queue = queue;
    this.#listening = listening;
  }

  /**
   * Waits until the doorbell rings, `signal` aborts, it is time to look at the queue, or the doorbell is closed.
   * @param ms longest wait; -1 for no limit
   * @returns whether it rang: then a message may be ready for the consumer that it woke
   */
  wait(ms: number, signal: AbortSignal): Promise<boolean> {
    if (this.#closed || signal.aborted || ms === 0) return Promise.resolve(false);
    return new Promise((resolve) => {
      const onAbort = () => this.wake(false);
      this.#wake = (rang) => {
        clearTimeout(this.#timer);
        this.#dueAt = Number.POSITIVE_INFINITY;
        signal.removeEventListener('abort', onAbort);
        resolve(rang);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      if (ms > 0) this.wakeWithin(ms);
      this.#listening.listen(this);
    });
  }

  /** Ends the wait, if there is one. */
  wake(rang: boolean): void {
    const wake = this.#wake;
    if (wake === undefined) return;
    this.#wake = undefined;
    this.#listening.stopListening(this);
    wake(rang);
  }

  /** Ends the wait after `ms`, unless it ends sooner. */
  wakeWithin(ms: number): void {
    const dueAt = performance.now() + ms;
    if (this.#wake === undefined || dueAt >= this.#dueAt) return;
    this.#dueAt = dueAt;
    clearTimeout(this.#timer);
    // A longer timer would overflow; `Doorbells` looks long before.
    this.#timer = setTimeout(() => this.wake(false), Math.min(ms, 2 ** 31 - 1));
  }

  close(): void {
    this.#closed = true;
    this.wake(false);
  }
}
