import type { Logger } from 'pino';
import type { Delivery } from '../broker/delivery.ts';
import { REDRIVEN_HEADER, STEPS_HEADER } from '../broker/headers.ts';
import type { RecordChange, RecordStore } from '../broker/record-store.ts';
import type { Settlement } from '../broker/settlement.ts';
import type { Clock } from '../clock/clock.ts';
import type { RunSteps, StepRun } from '../task/run-steps.ts';
import { StepLedger } from './step-ledger.ts';
import { recordOfSteps, STEPS_KEPT_MS } from './step-record.ts';

/** A wait before the next run that is shorter does not shorten the time for which steps are kept. */
const LONG_WAIT_MS = 86_400_000;

export interface StepKeeperOptions {
  /** Opens the store. @throws ConfigError (`STORE_MISSING`) if no store is configured */
  readonly records: (task: string) => Promise<RecordStore>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Opens the steps of the runs of one worker, and removes those of messages that have ended. */
export class StepKeeper {
  readonly #options: StepKeeperOptions;
  /** The last opened store. */
  #store: RecordStore | undefined;
  #changes: RecordChange[] = [];
  #writing: Promise<void> | undefined;

  constructor(options: StepKeeperOptions) {
    this.#options = options;
  }

  /** @param confirmLease aborts the run if its lease is lost, as far as the worker can be in doubt */
  open(run: StepRun, delivery: Delivery | undefined, confirmLease: () => Promise<unknown>): RunSteps {
    const { clock } = this.#options;
    const mayHaveEarlier = run.attempt > 1 || delivery === undefined || hasEarlierRun(delivery);
    return new StepLedger({ run, records: () => this.#records(run.name), mayHaveEarlier, confirmLease, clock });
  }

  /**
   * Removes the steps of a message that has ended, and prolongs those of one that goes on after a long wait. Returns at
   * once. A failure is logged: the steps end by themselves.
   * @param task name of the task, for an error
   */
  settled(settlement: Settlement, task: string): void {
    const ttlMs = lifeAfter(settlement, this.#options.clock.now());
    if (ttlMs === undefined) return;
    this.#changes.push({ key: recordOfSteps(settlement.delivery.envelope.id), ttlMs });
    this.#writing ??= this.#write(task);
  }

  /** Resolves once every change is stored, or has failed. */
  async finished(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async #records(task: string): Promise<RecordStore> {
    this.#store ??= await this.#options.records(task);
    return this.#store;
  }

  async #write(task: string): Promise<void> {
    // Further messages may be settled in this turn.
    await Promise.resolve();
    while (this.#changes.length > 0) {
      const changes = this.#changes;
      this.#changes = [];
      try {
        await (await this.#records(task)).change(changes);
      } catch (error) {
        this.#options.logger.debug({ error, messages: changes.length }, 'steps of ended messages could not be removed');
      }
    }
    this.#writing = undefined;
  }
}

/** Whether an earlier run of the message may have stored steps. */
function hasEarlierRun({ envelope: { headers }, crashes, mayHaveRun }: Delivery): boolean {
  return crashes > 0 || mayHaveRun === true || STEPS_HEADER in headers || REDRIVEN_HEADER in headers;
}

/** How long the steps are kept from now on, in milliseconds; 0: not at all; `undefined`: as long as before. */
function lifeAfter(settlement: Settlement, now: number): number | undefined {
  switch (settlement.kind) {
    case 'ack':
    case 'expire':
      return 0;
    case 'dead-letter':
      return STEPS_KEPT_MS;
    case 'retry': {
      const waitMs = (settlement.replacement.notBefore ?? now) - now;
      return waitMs > LONG_WAIT_MS ? waitMs + STEPS_KEPT_MS : undefined;
    }
    case 'release':
      return undefined;
  }
}
