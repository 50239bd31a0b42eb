import type { RecordStore } from '../broker/record-store.ts';
import { backoff } from '../clock/backoff.ts';
import type { Clock } from '../clock/clock.ts';
import { pause } from '../clock/pause.ts';
import { BrokkrError } from '../errors/brokkr-error.ts';
import { BrokerUnavailableError, ConfigError, PayloadTooLargeError } from '../errors/errors.ts';
import type { RunSteps, StepRun } from '../task/run-steps.ts';
import { recordOfSteps, STEPS_KEPT_MS } from './step-record.ts';
import { decodeStep, encodeStep } from './step-result.ts';
import { withinLimit } from './within-limit.ts';

const MOST_STEPS = 1_000;
const MOST_BYTES = 1_048_576;

export interface StepLedgerOptions {
  readonly run: StepRun;
  /** Opens the store; `undefined` for an inline call, which stores nothing. */
  readonly records: (() => Promise<RecordStore>) | undefined;
  /** Whether an earlier run of the message may have stored steps. If not, nothing is read. */
  readonly mayHaveEarlier: boolean;
  /** Aborts the run if its lease is lost; left out for an inline call, which has none. */
  readonly confirmLease?: (() => Promise<unknown>) | undefined;
  readonly clock: Clock;
}

/** The steps of one run: reads what earlier runs finished, once, and stores what this one finishes. */
export class StepLedger implements RunSteps {
  readonly #options: StepLedgerOptions;
  readonly #key: string;
  /** Names that this run has used. */
  readonly #used = new Set<string>();
  /** Stored results by name, as far as this run knows. */
  readonly #stored = new Map<string, Uint8Array>();
  #bytes = 0;
  #opening: Promise<RecordStore | undefined> | undefined;
  /** Steps that this run is doing. */
  #running = 0;

  constructor(options: StepLedgerOptions) {
    this.#options = options;
    this.#key = recordOfSteps(options.run.id);
  }

  get isUsed(): boolean {
    return this.#options.records !== undefined && this.#used.size > 0;
  }

  async run(name: string, work: (signal: AbortSignal) => unknown, timeoutMs: number | undefined): Promise<unknown> {
    const { run, clock } = this.#options;
    const of = `task ${run.name}, step ${name}`;
    this.#checkStart(name, of);
    const store = await this.#open();
    await this.#checkLease();
    const known = this.#stored.get(name);
    if (known !== undefined) return decodeStep(known, of);
    if (this.#stored.size + this.#running >= MOST_STEPS) {
      throw new ConfigError(
        `${of}: a message can have at most ${MOST_STEPS} steps; join some, or send further messages`,
        {
          code: 'STEPS_TOO_MANY',
        },
      );
    }
    this.#running++;
    try {
      const bytes = encodeStep(await withinLimit(work, { outer: run.signal, timeoutMs, clock, of }), of);
      this.#checkSize(name, bytes, of);
      return decodeStep(await this.#keep(store, name, bytes), of);
    } finally {
      this.#running--;
    }
  }

  #checkStart(name: string, of: string): void {
    const { run } = this.#options;
    if (run.abortReason !== undefined) throw run.abortReason;
    if (run.hasEnded) {
      throw new ConfigError(`${of}: its handler has ended; await each step in the handler`, { code: 'STEP_AFTER_RUN' });
    }
    if (this.#used.has(name)) {
      throw new ConfigError(`${of}: this name was used before in this attempt; give each step a name of its own`, {
        code: 'STEP_NAME_TWICE',
      });
    }
    this.#used.add(name);
  }

  /** While the process stood still, another worker may have finished this step. */
  async #checkLease(): Promise<void> {
    const { run, confirmLease } = this.#options;
    if (confirmLease !== undefined) await this.#persist(confirmLease);
    if (run.abortReason !== undefined) throw run.abortReason;
  }

  #checkSize(name: string, bytes: Uint8Array, of: string): void {
    const size = this.#bytes + sizeOf(name, bytes);
    if (size <= MOST_BYTES) return;
    throw new PayloadTooLargeError(
      `${of}: the results of the steps of a message can have at most ${MOST_BYTES} bytes, and have ${size} with this one; store it elsewhere and return a reference`,
      { size, limit: MOST_BYTES, code: 'STEPS_TOO_LARGE' },
    );
  }

  /** Opens the store before the first step, and reads what is stored: an effect without a store to note it would repeat. */
  #open(): Promise<RecordStore | undefined> {
    const { records, mayHaveEarlier } = this.#options;
    this.#opening ??= (async () => {
      const store = await records?.();
      if (store !== undefined && mayHaveEarlier) {
        this.#learn(await this.#persist(() => store.read(this.#key)));
      }
      return store;
    })();
    return this.#opening;
  }

  /** Stores a result. @returns the result that is stored: the first one, if several runs of the message do the step */
  async #keep(store: RecordStore | undefined, name: string, bytes: Uint8Array): Promise<Uint8Array> {
    if (store !== undefined) {
      const change = { key: this.#key, add: new Map([[name, bytes]]), ttlMs: STEPS_KEPT_MS };
      const [answer] = await this.#persist(() => store.change([change]));
      if (answer?.added !== 1) {
        // Another run was first, or the answer to our own change was lost.
        this.#learn(await this.#persist(() => store.read(this.#key)));
      }
    }
    // The record may have gone since: the message has ended in another run.
    this.#learn(new Map([[name, bytes]]));
    return this.#stored.get(name) as Uint8Array;
  }

  /** Notes results that are stored. The first one of a name stays. */
  #learn(found: ReadonlyMap<string, Uint8Array>): void {
    for (const [name, bytes] of found) {
      if (this.#stored.has(name)) continue;
      this.#stored.set(name, bytes);
      this.#bytes += sizeOf(name, bytes);
    }
  }

  /** Repeats a call while the store is unreachable: what a step did must not be lost, nor count as a failed attempt. */
  async #persist<T>(call: () => Promise<T>): Promise<T> {
    const { run, clock } = this.#options;
    for (let waitMs = backoff(0); ; waitMs = backoff(waitMs)) {
      try {
        return await call();
      } catch (error) {
        if (!isPassing(error) || run.abortReason !== undefined || run.hasEnded) throw error;
        run.logger.warn({ error, waitMs }, 'the store of the steps is unreachable; trying again');
        await pause(clock, waitMs, run.signal);
      }
    }
  }
}

function sizeOf(name: string, bytes: Uint8Array): number {
  return Buffer.byteLength(name) + bytes.byteLength;
}

function isPassing(error: unknown): boolean {
  return BrokkrError.is(error) && error.name === BrokerUnavailableError.name && error.code !== 'BROKER_CLOSED';
}
