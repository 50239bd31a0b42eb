interface Listener<A extends readonly unknown[]> {
  (...args: A): void;
  /** Set by `once`: the listener of the caller. */
  readonly once?: Listener<A>;
}

/**
 * Typed events. If a listener throws or rejects, its error is reported and the other listeners are called all the same.
 */
export class EventEmitter<M extends { [E in keyof M]: readonly unknown[] }> {
  readonly #listeners = new Map<keyof M, Set<Listener<never>>>();
  readonly #report: (event: string, error: unknown) => void;
  readonly #parent: EventEmitter<M> | undefined;

  /** @param parent gets every event too: its listeners are called after the own ones */
  constructor(report: (event: string, error: unknown) => void, parent?: EventEmitter<M>) {
    this.#report = report;
    this.#parent = parent;
  }

  on<E extends keyof M>(event: E, listener: Listener<M[E]>): void {
    const listeners = this.#listeners.get(event);
    if (listeners === undefined) this.#listeners.set(event, new Set([listener as Listener<never>]));
    else listeners.add(listener as Listener<never>);
  }

  once<E extends keyof M>(event: E, listener: Listener<M[E]>): void {
    // It returns the promise of the listener, so that `emit` can report its rejection.
    const wrapper = (...args: M[E]) => {
      this.off(event, wrapper);
      return listener(...args);
    };
    this.on(event, Object.assign(wrapper, { once: listener }));
  }

  off<E extends keyof M>(event: E, listener: Listener<M[E]>): void {
    const listeners = this.#listeners.get(event);
    if (listeners === undefined) return;
    for (const each of listeners) {
      if (each === (listener as Listener<never>) || each.once === listener) listeners.delete(each);
    }
    if (listeners.size === 0) this.#listeners.delete(event);
  }

  /** Whether the event has listeners. If it has none, it need not be created. */
  has(event: keyof M): boolean {
    return this.#listeners.has(event) || this.#parent?.has(event) === true;
  }

  emit<E extends keyof M>(event: E, ...args: M[E]): void {
    const listeners = this.#listeners.get(event);
    if (listeners !== undefined) this.#call(event, listeners, args);
    this.#parent?.emit(event, ...args);
  }

  #call<E extends keyof M>(event: E, listeners: Iterable<Listener<never>>, args: M[E]): void {
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
