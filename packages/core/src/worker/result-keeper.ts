import { setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import { LAST_WORD_MS } from '../broker/last-word.ts';
import type { ResultStore } from '../broker/optional-brokers.ts';
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
  readonly #storing = new Set<Promise<void>>();
  readonly #givingUp = new AbortController();

  constructor(options: ResultKeeperOptions) {
    this.#options = options;
    // Each result that is being stored listens to it.
    setMaxListeners(0, this.#givingUp.signal);
  }

  /** Results that are being stored. */
  get size(): number {
    return this.#storing.size;
  }

  /** Resolves once it is stored, or cannot be. */
  keep(messageId: string, task: TaskDefinition, ending: Ending): Promise<void> {
    const storing = this.#store(messageId, task, ending).finally(() => this.#storing.delete(storing));
    this.#storing.add(storing);
    return storing;
  }

  /** Waits for no store any longer. */
  giveUp(): void {
    this.#givingUp.abort();
  }

  async #store(messageId: string, { name, resultTtlMs }: TaskDefinition, ending: Ending): Promise<void> {
    const { store, maxPayload, timeoutMs, clock, logger } = this.#options;
    if (store === undefined || resultTtlMs === undefined) return;
    const answered = new AbortController();
    const over = AbortSignal.any([answered.signal, this.#givingUp.signal]);
    try {
      await Promise.race([
        store.storeResult(messageId, encodeEnding(ending, maxPayload), resultTtlMs),
        pause(clock, timeoutMs + LAST_WORD_MS, over).then(() => {
          throw new BrokerUnavailableError(
            `the result store did not answer within ${timeoutMs} ms, or before the worker had to stop`,
          );
        }),
      ]);
    } catch (error) {
      logger.warn({ error, task: { id: messageId, name } }, 'the result of a task could not be stored');
    } finally {
      answered.abort();
    }
  }
}
