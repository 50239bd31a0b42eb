interface Listener<A extends readonly unknown[]> {
  (...args: A): void;
  /** The listener that this one calls once. */
  readonly once?: Listener<A>;
}

/**
 * Typed events whose listeners cannot do harm: what one throws, or rejects with, is reported and the rest are
 * called.
 */
export class EventEmitter<M extends { [E in keyof M]: readonly unknown[] }> {
  readonly #listeners = new Map<keyof M, Set<Listener<never>>>();
  readonly #report: (event: string, error: unknown) => void;

  constructor(report: (event: string, error: unknown) => void) {
    this.#report = report;
  }

  on<E extends keyof M>(event: E, listener: Listener<M[E]>): void {
    const listeners = this.#listeners.get(event);
    if (listeners === undefined) this.#listeners.set(event, new Set([listener as Listener<never>]));
    else listeners.add(listener as Listener<never>);
  }

  once<E extends keyof M>(event: E, listener: Listener<M[E]>): void {
    // It returns what the listener returns, so that `emit` hears of a promise that rejects.
    const heard = (...args: M[E]) => {
      this.off(event, heard);
      return listener(...args);
    };
    this.on(event, Object.assign(heard, { once: listener }));
  }

  off<E extends keyof M>(event: E, listener: Listener<M[E]>): void {
    const listeners = this.#listeners.get(event);
    if (listeners === undefined) return;
    for (const each of listeners) {
      if (each === (listener as Listener<never>) || each.once === listener) listeners.delete(each);
    }
    if (listeners.size === 0) this.#listeners.delete(event);
  }

  /** Whether anybody listens: an event nobody hears need not be made. */
  has(event: keyof M): boolean {
    return this.#listeners.has(event);
  }

  emit<E extends keyof M>(event: E, ...args: M[E]): void {
    const listeners = this.#listeners.get(event);
    if (listeners === undefined) return;
    for (const listener of [...listeners]) {
      try {
        const answer: unknown = (listener as unknown as (...args: readonly unknown[]) => unknown)(...args);
        if (answer instanceof Promise) answer.catch((error: unknown) => this.#report(String(event), error));
      } catch (error) {
        this.#report(String(event), error);
      }
    }
  }
}
