import type { Clock, TimerHandle } from '@brokkr/core/adapter';

/** A process of the simulation. It can be paused, as by SIGSTOP, and killed. All calls to it pass `gate`. */
export class SimProcess {
  readonly name: string;
  readonly clock: Clock;
  #state: 'running' | 'paused' | 'dead' = 'running';
  #held: (() => void)[] = [];
  readonly #onDeath: (() => void)[] = [];
  readonly #time: Clock;

  constructor(name: string, time: Clock) {
    this.name = name;
    this.#time = time;
    this.clock = {
      now: () => time.now(),
      monotonic: () => time.monotonic(),
      setTimeout: (callback, delayMs) => time.setTimeout(() => this.gate(callback), delayMs),
      clearTimeout: (timer: TimerHandle) => time.clearTimeout(timer),
    };
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  /** Runs a callback from outside: immediately, after the pause, or never. */
  gate(callback: () => void): void {
    if (this.#state === 'running') callback();
    else if (this.#state === 'paused') this.#held.push(callback);
  }

  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    // One after the other, as in an event loop: the effects of a callback come before the next one.
    for (const callback of this.#held.splice(0)) this.#time.setTimeout(() => this.gate(callback), 0);
  }

  kill(): void {
    this.#state = 'dead';
    this.#held = [];
    for (const tell of this.#onDeath.splice(0)) tell();
  }

  /** Calls back when the process dies, for the other ends of its connections. */
  onDeath(tell: () => void): void {
    if (this.isDead) tell();
    else this.#onDeath.push(tell);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.setTimeout(resolve, ms));
  }
}
