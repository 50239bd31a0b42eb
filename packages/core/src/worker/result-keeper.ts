import type { Logger } from 'pino';
import { ANSWER_GRACE_MS } from '../broker/answer-grace.ts';
import type { ResultStore } from '../broker/result-store.ts';
import type { Clock } from '../clock/clock.ts';
import { pause } from '../clock/pause.ts';
import { BrokerUnavailableError } from '../errors/errors.ts';
import { type Ending, encodeEnding } from '../result/result-record.ts';
import type { TaskDefinition } from '../task/task-definition.ts';

export interface ResultKeeperOptions {
  readonly store: ResultStore | undefined;
  readonly maxPayload: number;
  /** How long a message that has ended may wait for its result to be stored. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Keeps how messages ended, for whoever waits for it. A store that fails, or does not answer, costs the result alone. */
export class ResultKeeper {
  readonly #options: ResultKeeperOptions;
  /** Each ends the wait for one store. One signal for all would remember every result there ever was. */
  readonly #waits = new Set<AbortController>();
  #hasGivenUp = false;

  constructor(options: ResultKeeperOptions) {
    this.#options = options;
  }

  /** Results that are being stored. */
  get size(): number {
    return this.#waits.size;
  }

  /** Resolves once it is stored, or cannot be. */
  async keep(messageId: string, { name, resultTtlMs }: TaskDefinition, ending: Ending): Promise<void> {
    const { store, maxPayload, timeoutMs, clock, logger } = this.#options;
    if (store === undefined || resultTtlMs === undefined) return;
    const wait = new AbortController();
    this.#waits.add(wait);
    if (this.#hasGivenUp) wait.abort();
    try {
      await Promise.race([
        store.store(messageId, encodeEnding(ending, maxPayload), resultTtlMs),
        pause(clock, timeoutMs + ANSWER_GRACE_MS, wait.signal).then(() => {
          throw new BrokerUnavailableError(
            `the result store did not answer within ${timeoutMs} ms, or before the worker had to stop`,
          );
        }),
      ]);
    } catch (error) {
      logger.warn({ error, task: { id: messageId, name } }, 'the result of a task could not be stored');
    } finally {
      this.#waits.delete(wait);
      wait.abort();
    }
  }

  /** Waits for no store any longer. */
  giveUp(): void {
    this.#hasGivenUp = true;
    for (const wait of this.#waits) wait.abort();
  }
}
