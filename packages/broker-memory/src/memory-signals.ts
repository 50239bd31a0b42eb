import type { Signal } from '@brokkr/core/adapter';

interface Listener {
  readonly broker: object;
  readonly hear: (signal: Signal) => void;
}

/** Broadcasts among the brokers of one memory server. */
export class MemorySignals {
  readonly #listeners = new Set<Listener>();

  /** Listeners hear it in a later turn, as they would over a network: the sender is never called from within `send`. */
  send(signal: Signal): void {
    const copy: Signal = { topic: signal.topic, body: signal.body };
    for (const listener of [...this.#listeners]) {
      queueMicrotask(() => {
        if (this.#listeners.has(listener)) listener.hear(copy);
      });
    }
  }

  /** @returns how to stop listening */
  listen(broker: object, hear: (signal: Signal) => void): () => void {
    const listener: Listener = { broker, hear };
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Ends every listener of a broker that closes. */
  leave(broker: object): void {
    for (const listener of [...this.#listeners]) if (listener.broker === broker) this.#listeners.delete(listener);
  }
}
