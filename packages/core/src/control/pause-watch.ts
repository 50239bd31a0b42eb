import type { Clock, TimerHandle } from '../clock/clock.ts';
import type { PauseFlags } from './pause-flags.ts';

/** How often the flags are read although no signal came: a signal may have been missed. */
const LOOK_EVERY_MS = 60_000;
/** How long to wait after flags could not be read. */
const LOOK_AGAIN_MS = 2_000;

export interface PauseWatchOptions {
  readonly flags: PauseFlags;
  readonly queues: readonly string[];
  /** Whether signals may be missed, so that the flags have to be read now and then. */
  readonly mayMissSignals: boolean;
  readonly clock: Clock;
  readonly onChange: (queue: string, paused: boolean) => void;
  /** Is called if the flags cannot be read. They are read again a little later. */
  readonly onError: (error: unknown) => void;
}

/** Knows which queues of a worker are paused. All queues that are due to be looked at are read in one batch. */
export class PauseWatch {
  readonly #options: PauseWatchOptions;
  readonly #paused = new Set<string>();
  /** Queues that are to be read next. */
  readonly #due = new Set<string>();
  #timer: TimerHandle | undefined;
  #isReading = false;
  #isClosed = false;

  constructor(options: PauseWatchOptions) {
    this.#options = options;
  }

  /** Queues that are paused, in no order. */
  get paused(): readonly string[] {
    return [...this.#paused];
  }

  /** Reads all flags for the first time. @throws BrokerUnavailableError if they cannot be read */
  async start(): Promise<void> {
    const { flags, queues } = this.#options;
    this.#isReading = true;
    try {
      this.#apply(queues, await flags.pausedOf(queues));
    } finally {
      this.#isReading = false;
    }
    if (this.#due.size > 0) void this.#read();
    else this.#arm(LOOK_EVERY_MS);
  }

  /** Reads the flags of these queues soon. A queue of another worker is left out. @default all queues */
  look(queues: readonly string[] = this.#options.queues): void {
    for (const queue of queues) if (this.#options.queues.includes(queue)) this.#due.add(queue);
    // One read after the other: an older answer must not overrule a newer one.
    if (!this.#isReading && this.#due.size > 0) void this.#read();
  }

  close(): void {
    this.#isClosed = true;
    this.#due.clear();
    this.#options.clock.clearTimeout(this.#timer);
  }

  async #read(): Promise<void> {
    const { flags, onError } = this.#options;
    this.#isReading = true;
    let nextMs = LOOK_EVERY_MS;
    while (this.#due.size > 0) {
      const queues = [...this.#due];
      this.#due.clear();
      try {
        this.#apply(queues, await flags.pausedOf(queues));
      } catch (error) {
        if (this.#isClosed) break;
        onError(error);
        nextMs = LOOK_AGAIN_MS;
      }
    }
    this.#isReading = false;
    this.#arm(nextMs);
  }

  #apply(queues: readonly string[], paused: ReadonlySet<string>): void {
    if (this.#isClosed) return;
    for (const queue of queues) {
      const isPaused = paused.has(queue);
      if (isPaused === this.#paused.has(queue)) continue;
      if (isPaused) this.#paused.add(queue);
      else this.#paused.delete(queue);
      this.#options.onChange(queue, isPaused);
    }
  }

  #arm(ms: number): void {
    const { clock, mayMissSignals } = this.#options;
    clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isClosed || (ms === LOOK_EVERY_MS && !mayMissSignals)) return;
    this.#timer = clock.setTimeout(() => this.look(), ms);
  }
}
