import type { Logger } from 'pino';
import type { Delivery } from '../broker/delivery.ts';

/** A run, as its steps see it. */
export interface StepRun {
  readonly id: string;
  readonly name: string;
  readonly attempt: number;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** Why the run was aborted; `undefined` if it was not. */
  readonly abortReason: Error | undefined;
  readonly hasEnded: boolean;
}

/** The steps of one run. */
export interface RunSteps {
  /** Whether a step has begun whose result is stored. */
  readonly isUsed: boolean;
  /**
   * Returns the stored result of the step, or runs `work` and stores its result.
   * @param timeoutMs time limit of `work`; `undefined`: that of the run
   */
  run(name: string, work: (signal: AbortSignal) => unknown, timeoutMs: number | undefined): Promise<unknown>;
}

/** Opens the steps of a run, at its first step. @param delivery the delivery that runs; `undefined` for an inline call */
export type OpenSteps = (run: StepRun, delivery: Delivery | undefined) => RunSteps;
