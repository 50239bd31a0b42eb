import type { Clock } from '@brokkr/core/adapter';

const LOOK_EVERY_MS = 10_000;
/** Smaller steps do not matter: a tick may be late by as much anyway. */
const LEAST_STEP_MS = 50;

/**
 * Notices that the clock of the host was set, or that the machine slept. Timers notice neither: a tick of tomorrow would
 * be late by as much as the clock went ahead. The watch keeps no process alive.
 */
export class WallClockWatch {
  readonly #clock: Clock;
  readonly #onStep: (stepMs: number) => void;
  readonly #timer: NodeJS.Timeout;
  #offset: number;

  /** @param onStep called with the length of each step, in milliseconds; negative if the clock went back */
  constructor(clock: Clock, onStep: (stepMs: number) => void) {
    this.#clock = clock;
    this.#onStep = onStep;
    this.#offset = this.#read();
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** Compares the clocks now, in place of the next time in ten seconds. */
  look(): void {
    const offset = this.#read();
    const stepMs = offset - this.#offset;
    if (Math.abs(stepMs) < LEAST_STEP_MS) return;
    this.#offset = offset;
    this.#onStep(stepMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #read(): number {
    return this.#clock.now() - this.#clock.monotonic();
  }
}
