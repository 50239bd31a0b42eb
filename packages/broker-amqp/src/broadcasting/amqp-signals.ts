import { checkSignal, SIGNAL_BYTES, type Signal, type Signals } from '@brokkr/core/adapter';
import type { ConsumeMessage } from 'amqplib';
import { closedError } from '../connection/amqp-errors.ts';
import type { BroadcastingOptions } from './broadcasting-options.ts';
import { FanoutListener } from './fanout-listener.ts';
import { FanoutSender } from './fanout-sender.ts';

interface Listener {
  readonly hear: (signal: Signal) => void;
  readonly gap: (() => void) | undefined;
}

/** A process that reads nothing for so long has missed signals anyway. */
const LIMITS = { messages: 1_000, bytes: 4_194_304, ttlMs: 10_000 };

/** Broadcasts over a fanout exchange. A process has one queue for all its listeners, and none without listeners. */
export class AmqpSignals implements Signals {
  readonly #options: BroadcastingOptions;
  readonly #sender: FanoutSender;
  readonly #listeners = new Set<Listener>();
  #starting: Promise<FanoutListener> | undefined;

  constructor(options: BroadcastingOptions) {
    this.#options = options;
    const { names, publishing, queueType } = options;
    this.#sender = new FanoutSender({ connection: publishing, queueType, exchange: names.signals });
  }

  /**
   * @throws ConfigError if the signal is invalid (`SIGNAL_INVALID`), or the user has no right to the exchange
   *   (`QUEUE_REFUSED`)
   * @throws BrokerUnavailableError if RabbitMQ is unreachable for `sendTimeoutMs`, or the broker is closed
   */
  async send(signal: Signal): Promise<void> {
    checkSignal(signal);
    await this.#sender.send(Buffer.from(signal.body), { type: signal.topic });
  }

  /** @throws as `send` */
  async listen(hear: (signal: Signal) => void, gap?: () => void): Promise<() => Promise<void>> {
    if (this.#options.consuming.isClosed) throw closedError();
    const listener: Listener = { hear, gap };
    this.#listeners.add(listener);
    try {
      this.#starting ??= this.#start();
      await this.#starting;
    } catch (error) {
      this.#listeners.delete(listener);
      throw error;
    }
    return async () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
      const started = await this.#starting;
      if (this.#listeners.size > 0) return;
      this.#starting = undefined;
      await started?.stop();
    };
  }

  #start(): Promise<FanoutListener> {
    const { names, consuming, queueType, logger } = this.#options;
    const fanout = new FanoutListener({
      ...{ names, queueType, logger, limits: LIMITS },
      connection: consuming,
      exchange: names.signals,
      onMessage: (message) => this.#hear(message),
      onGap: () => {
        for (const { gap } of [...this.#listeners]) gap?.();
      },
    });
    const starting = fanout.start().then(() => fanout);
    starting.catch(() => {
      if (this.#starting === starting) this.#starting = undefined;
    });
    return starting;
  }

  #hear({ properties, content }: ConsumeMessage): void {
    const signal = readSignal(properties.type, content);
    if (signal === undefined) return;
    for (const listener of [...this.#listeners]) {
      if (!this.#listeners.has(listener)) continue;
      try {
        listener.hear(signal);
      } catch (error) {
        this.#options.logger?.error({ error, topic: signal.topic }, 'a listener of signals failed');
      }
    }
  }
}

/** `undefined` for a message of another program. */
function readSignal(topic: unknown, content: Buffer): Signal | undefined {
  if (typeof topic !== 'string' || content.byteLength > SIGNAL_BYTES) return undefined;
  const signal: Signal = { topic, body: content.toString() };
  try {
    checkSignal(signal);
    return signal;
  } catch {
    return undefined;
  }
}
