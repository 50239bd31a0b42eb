import type { Logger } from 'pino';
import { ANSWER_GRACE_MS } from '../broker/answer-grace.ts';
import type { Broker } from '../broker/broker.ts';
import type { ResultStore } from '../broker/result-store.ts';
import type { SettledResult } from '../broker/settlement.ts';
import type { Clock } from '../clock/clock.ts';
import { TimeLimit } from '../clock/time-limit.ts';
import { BrokerUnavailableError } from '../errors/errors.ts';
import { type Ending, encodeEnding } from '../result/result-record.ts';
import type { TaskDefinition } from '../task/task-definition.ts';

/** Time limit of a result that is stored after the time of a stop has ended. */
const LAST_RESULT_MS = 2_000;

export interface ResultKeeperOptions {
  readonly broker: Pick<Broker, 'results'>;
  readonly store: ResultStore | undefined;
  readonly maxPayload: number;
  /** Time limit for storing one result, in milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Stores how messages ended. If the broker stores results with its settlements, they go there; if not, this stores each
 * after its settlement was accepted. A store that fails or does not answer loses the result, never the message.
 */
export class ResultKeeper {
  /** Whether a result is part of its settlement. */
  readonly isPartOfSettlement: boolean;
  readonly #options: ResultKeeperOptions;
  /** For each result that is being stored: ends the wait for it. */
  readonly #waits = new Set<() => void>();
  readonly #idle: (() => void)[] = [];
  #hasGivenUp = false;

  constructor(options: ResultKeeperOptions) {
    const { broker, store } = options;
    this.#options = options;
    this.isPartOfSettlement = store !== undefined && store === broker.results && store.storesWithSettlement === true;
  }

  /** Number of results that are being stored. */
  get pending(): number {
    return this.#waits.size;
  }

  /** The result to store for an ending; `undefined` if the task keeps none. Never throws. */
  resultOf({ resultTtlMs }: TaskDefinition, ending: Ending): SettledResult | undefined {
    const { store, maxPayload } = this.#options;
    if (store === undefined || resultTtlMs === undefined) return undefined;
    return { bytes: encodeEnding(ending, maxPayload), ttlMs: resultTtlMs };
  }

  /**
   * Stores a result. Resolves once it is stored, or has failed: a failure is logged.
   * @param isSure whether its settlement was accepted. If that is unknown, an existing result is kept.
   */
  async keep(message: { readonly id: string; readonly name: string }, result: SettledResult, isSure: boolean) {
    const { store, timeoutMs, clock, logger } = this.#options;
    const limitMs = this.#hasGivenUp ? Math.min(LAST_RESULT_MS, timeoutMs) : timeoutMs;
    let endWait: () => void = () => undefined;
    const tooLong = new Promise<never>((_, reject) => {
      endWait = () =>
        reject(
          new BrokerUnavailableError(
            `the result store did not answer within ${limitMs} ms, or before the worker had to stop`,
          ),
        );
    });
    this.#waits.add(endWait);
    const limit = new TimeLimit(clock, limitMs + ANSWER_GRACE_MS, endWait);
    try {
      const stored = (store as ResultStore).store(message.id, result.bytes, result.ttlMs, { onlyIfNone: !isSure });
      await Promise.race([stored, tooLong]);
    } catch (error) {
      logger.warn({ error, task: message }, 'the result of a task could not be stored');
    } finally {
      limit.clear();
      this.#waits.delete(endWait);
      if (this.#waits.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  /** Resolves once no result is being stored. */
  async finished(): Promise<void> {
    if (this.#waits.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Stops waiting for results that are being stored. Later ones get a short time limit. */
  giveUp(): void {
    this.#hasGivenUp = true;
    for (const endWait of this.#waits) endWait();
  }
}
