import { randomUUID } from 'node:crypto';
import { checkSignal, SIGNAL_BYTES, type Signal, type Signals } from '@brokkr/core/adapter';
import type { Client } from '../connection/connect.ts';
import type { Subscriber } from '../connection/subscriber.ts';
import { closedError } from '../connection/redis-errors.ts';
import type { QueueCalls } from '../queue-calls.ts';

/** Topic, name of the message, body. */
const MESSAGE = /^(\S{1,60}) (\S{1,60}) ([\s\S]*)$/;
const LONGEST = SIGNAL_BYTES + 200;
/** A client sends a command again if the answer was lost, within seconds. So many messages are recognized. */
const REMEMBERED = 1_000;

interface Listener {
  readonly hear: (signal: Signal) => void;
  readonly gap: (() => void) | undefined;
}

/** Broadcasts on a channel of the namespace. A message is `TOPIC NAME BODY`; its name makes a repeat recognizable. */
export class RedisSignals implements Signals {
  readonly #calls: QueueCalls;
  readonly #subscriber: Subscriber;
  readonly #sender = randomUUID();
  readonly #listeners = new Set<Listener>();
  readonly #heard = new Set<string>();
  readonly #channelListener = {
    hear: (message: string) => this.#hear(message),
    gap: () => {
      for (const { gap } of [...this.#listeners]) gap?.();
    },
  };
  #listening: string | undefined;
  #sent = 0;
  #closed = false;

  constructor(calls: QueueCalls, subscriber: Subscriber) {
    this.#calls = calls;
    this.#subscriber = subscriber;
  }

  /**
   * @throws ConfigError if the signal is invalid (`SIGNAL_INVALID`)
   * @throws BrokerUnavailableError if Redis is unreachable for `sendTimeoutMs`, or the broker is closed
   */
  async send(signal: Signal): Promise<void> {
    checkSignal(signal);
    const message = `${signal.topic} ${this.#sender}:${this.#sent++} ${signal.body}`;
    await this.#calls.call((client) => client.publish(this.#channel(client), message));
  }

  /** @throws BrokerUnavailableError if Redis is unreachable for `sendTimeoutMs`, or the broker is closed */
  async listen(hear: (signal: Signal) => void, gap?: () => void): Promise<() => Promise<void>> {
    if (this.#closed) throw closedError();
    const listener: Listener = { hear, gap };
    this.#listeners.add(listener);
    try {
      await this.#calls.call((client) => {
        this.#listening = this.#channel(client);
        return this.#subscriber.listen(this.#listening, this.#channelListener);
      });
    } catch (error) {
      this.#stop(listener);
      throw error;
    }
    return async () => this.#stop(listener);
  }

  close(): void {
    this.#closed = true;
    this.#listeners.clear();
  }

  /** Channels are the same in all databases and for all key prefixes of a server, and namespaces are not. */
  #channel(client: Client): string {
    const { keyPrefix = '', db = 0 } = client.options as { readonly keyPrefix?: string; readonly db?: number };
    return `${keyPrefix}${this.#calls.keys.signals}${db === 0 ? '' : `:${db}`}`;
  }

  #stop(listener: Listener): void {
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0 || this.#listening === undefined) return;
    this.#subscriber.stop(this.#listening, this.#channelListener);
  }

  #hear(message: string): void {
    const [, topic, name, body] = message.length > LONGEST ? [] : (MESSAGE.exec(message) ?? []);
    if (topic === undefined || name === undefined || body === undefined || this.#heard.has(name)) return;
    const signal: Signal = { topic, body };
    try {
      checkSignal(signal);
    } catch {
      // Another client wrote it.
      return;
    }
    this.#heard.add(name);
    if (this.#heard.size > REMEMBERED) {
      const [oldest] = this.#heard;
      this.#heard.delete(oldest as string);
    }
    for (const listener of [...this.#listeners]) if (this.#listeners.has(listener)) listener.hear(signal);
  }
}
