import type { Logger } from 'pino';
import type { Broker } from '../broker/broker.ts';
import type { Clock } from '../clock/clock.ts';
import { unlessAborted } from '../clock/unless-aborted.ts';
import { pause } from '../clock/pause.ts';
import type { ControlChannel } from '../control/control-channel.ts';
import type { ControlSignal } from '../control/control-signals.ts';
import { PauseFlags } from '../control/pause-flags.ts';
import { PauseWatch } from '../control/pause-watch.ts';

/** How long a start waits until signals are heard. They are heard later, if that takes longer. */
const HEARD_WITHIN_MS = 2_000;

/** What steering changes in a worker. */
export interface Steered {
  pauseQueues(queues: readonly string[]): void;
  quiet(isQuiet: boolean): void;
  /** A limit may have been set at run time. */
  limitsChanged(): void;
  /** @returns whether a run is cancelled, by this call or an earlier one */
  cancel(queue: string, id: string): boolean;
}

export interface SteeringOptions {
  readonly workerId: string;
  readonly queues: readonly string[];
  readonly broker: Pick<Broker, 'states' | 'signals'>;
  readonly control: ControlChannel;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly steered: Steered;
  readonly onPaused: (queue: string, paused: boolean) => void;
  readonly onQuiet: () => void;
}

/** Obeys what other processes ask of a worker: pauses of its queues, cancellations of its runs, and to be quiet. */
export class Steering {
  readonly #options: SteeringOptions;
  #watch: PauseWatch | undefined;
  #stopListening: (() => void) | undefined;

  constructor(options: SteeringOptions) {
    this.#options = options;
  }

  /** Queues of the worker that are paused. */
  get paused(): readonly string[] {
    return this.#watch?.paused ?? [];
  }

  /**
   * Listens, then reads which queues are paused.
   * @param stopped ends the waiting for a server that does not answer: the worker will fetch nothing
   * @throws BrokerUnavailableError if that cannot be read: the worker must not run messages of a paused queue
   */
  async start(stopped: AbortSignal): Promise<void> {
    const { broker, control } = this.#options;
    if (broker.signals !== undefined) {
      const { heard, stop } = control.listen({
        onSignal: (signal) => this.#obey(signal),
        onGap: () => {
          this.#watch?.look();
          this.#options.steered.limitsChanged();
        },
      });
      this.#stopListening = stop;
      await unlessAborted(this.#inTime(heard), stopped);
    }
    if (broker.states === undefined || stopped.aborted) return;
    await unlessAborted(this.#watchPauses(new PauseFlags(broker.states)), stopped);
  }

  close(): void {
    this.#stopListening?.();
    this.#watch?.close();
  }

  async #watchPauses(flags: PauseFlags): Promise<void> {
    const { queues, broker, clock, logger, steered, onPaused } = this.#options;
    const watch = new PauseWatch({
      flags,
      queues,
      mayMissSignals: broker.signals?.lossless !== true,
      clock,
      onChange: (queue, paused) => {
        steered.pauseQueues(watch.paused);
        onPaused(queue, paused);
      },
      onError: (error) => logger.warn({ error }, 'the pause flags of the queues could not be read; trying again'),
    });
    this.#watch = watch;
    await watch.start();
  }

  #obey(signal: ControlSignal): void {
    const { workerId, steered, onQuiet } = this.#options;
    switch (signal.topic) {
      case 'pause':
        // The flag decides: signals may arrive late, or come from a program that changed no flag.
        this.#watch?.look([signal.queue]);
        break;
      case 'cancel':
        if (steered.cancel(signal.queue, signal.id)) void this.#answer(signal.id);
        break;
      case 'limit':
        steered.limitsChanged();
        break;
      case 'quiet':
        if (signal.worker !== workerId) break;
        steered.quiet(signal.quiet);
        onQuiet();
        break;
    }
  }

  async #answer(id: string): Promise<void> {
    try {
      await this.#options.control.send('cancelling', { id });
    } catch (error) {
      this.#options.logger.debug({ error, task: { id } }, 'the answer to a cancellation could not be sent');
    }
  }

  async #inTime(heard: Promise<void>): Promise<void> {
    const done = new AbortController();
    await Promise.race([heard, pause(this.#options.clock, HEARD_WITHIN_MS, done.signal)]);
    done.abort();
  }
}
