/** Lets a limited number of calls run at the same time; the others wait in their order. */
export class Turns {
  readonly #most: () => number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** @param most asked before each call */
  constructor(most: () => number) {
    this.#most = most;
  }

  async run<T>(call: () => Promise<T>): Promise<T> {
    while (this.#running >= Math.max(1, this.#most())) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#running++;
    try {
      return await call();
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }
}
