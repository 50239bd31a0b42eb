import type { Logger } from 'pino';
import type { Signals } from '../broker/signals.ts';
import { backoff } from '../clock/backoff.ts';
import type { Clock } from '../clock/clock.ts';
import { pause } from '../clock/pause.ts';
import {
  type ControlSignal,
  type ControlSignals,
  type ControlTopic,
  controlSignal,
  readControlSignal,
} from './control-signals.ts';

export interface ControlListener {
  /** Is called for every control signal; signals of other programs are left out. */
  readonly onSignal: (signal: ControlSignal) => void;
  /** Is called when signals may have been missed. */
  readonly onGap: () => void;
}

export interface ControlChannelOptions {
  /** Opens the broker. @returns its signals, or `undefined` if it has none */
  readonly open: () => Promise<Signals | undefined>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The control signals of one manager. However many workers and handles listen, the broker sees one listener, from the
 * first `listen` until `close`.
 */
export class ControlChannel {
  readonly #options: ControlChannelOptions;
  readonly #listeners = new Set<ControlListener>();
  readonly #closing = new AbortController();
  #stop: (() => Promise<void>) | undefined;
  #hearing: Promise<void> | undefined;

  constructor(options: ControlChannelOptions) {
    this.#options = options;
  }

  /** Sends a signal. Has no effect if the broker has no signals. @throws BrokerUnavailableError if it is unreachable */
  async send<T extends ControlTopic>(topic: T, body: ControlSignals[T]): Promise<void> {
    const signals = await this.#options.open();
    await signals?.send(controlSignal(topic, body));
  }

  /**
   * Adds a listener. If the broker cannot be asked now, this tries until it can, and then calls `onGap`.
   * @returns `heard`, which resolves once the listener hears every signal that is sent later, and a function to stop
   */
  listen(listener: ControlListener): { readonly heard: Promise<void>; readonly stop: () => void } {
    this.#listeners.add(listener);
    this.#hearing ??= this.#hear();
    return { heard: this.#hearing, stop: () => void this.#listeners.delete(listener) };
  }

  /** Stops listening. Never rejects. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#listeners.clear();
    const stop = this.#stop;
    this.#stop = undefined;
    await stop?.().catch((error: unknown) => this.#options.logger.debug({ error }, 'signals could not be closed'));
  }

  async #hear(): Promise<void> {
    const { clock, logger } = this.#options;
    const { signal } = this.#closing;
    for (let waitMs = 0; !signal.aborted; ) {
      try {
        const signals = await this.#options.open();
        const stop = await signals?.listen(
          (sent) => this.#received(sent),
          () => this.#missed(),
        );
        if (signal.aborted) await stop?.();
        else this.#stop = stop;
        if (waitMs > 0) this.#missed();
        return;
      } catch (error) {
        if (signal.aborted) return;
        waitMs = backoff(waitMs);
        logger.debug({ error, waitMs }, 'signals cannot be heard; trying again');
        await pause(clock, waitMs, signal);
      }
    }
  }

  #received(sent: Parameters<typeof readControlSignal>[0]): void {
    const signal = readControlSignal(sent);
    if (signal === undefined) return;
    for (const { onSignal } of [...this.#listeners]) onSignal(signal);
  }

  #missed(): void {
    for (const { onGap } of [...this.#listeners]) onGap();
  }
}
