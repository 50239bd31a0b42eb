import { setTimeout as sleep } from 'node:timers/promises';
import type { Broker, Envelope } from '@brokkr/core/adapter';
import type { BulkJob, BulkRequest, ErrorBody } from '../api/types.ts';
import { shownError } from '../source/shown-error.ts';
import { type Change, changeMatching, countMatching } from './change-letters.ts';

/** How far the number of letters may be off what the user expects. */
const TOLERANCE = 0.1;
/** Letters that are counted also if fewer are expected, so that users learn the number. */
const COUNTED = 10_000;

/** What a job works on. */
export interface BulkWork {
  readonly id: string;
  readonly request: BulkRequest;
  readonly who: string;
  readonly broker: Broker;
  /** Left out: all letters. */
  readonly matches?: ((letter: Envelope) => boolean) | undefined;
  /** Dead letters of the queue, as far as known. */
  readonly total: number;
  readonly now: () => number;
  readonly logger: { readonly error: (fields: object, message: string) => void };
  /** Is called once, when the first letters have been changed. */
  readonly onFirst?: () => void;
  /** Is called when `row` has changed. */
  readonly onChange: () => void;
}

/**
 * A change of all dead letters that match a filter, in batches. First the letters are counted: if their number is more
 * than 10 % off what the user expects, nothing is changed. Each batch is one step of the broker: if the dashboard dies,
 * the batches before it are done, and the letters after it are still dead.
 */
export class BulkRun {
  readonly #work: BulkWork;
  readonly #stop = new AbortController();
  #row: BulkJob;
  /** Why the job failed, unless its count was off. */
  failure: unknown;
  /** How many letters matched when they were counted; `undefined` if the count ended before the last one. */
  matched: number | undefined;

  constructor(work: BulkWork) {
    this.#work = work;
    const { id, request, who, total, now } = work;
    const { do: what, queue, filter, to } = request;
    this.#row = {
      ...{ id, do: what, queue, filter, who, total },
      ...(to !== undefined && { to }),
      ...{ startedAt: now(), state: 'running', done: 0, looked: 0 },
    };
  }

  get row(): BulkJob {
    return this.#row;
  }

  /** Ends the job after the batch in progress. */
  stop(): void {
    this.#stop.abort();
  }

  /** Counts the letters. @returns false if the job has ended, because the count is off or failed, or it was stopped */
  async count(): Promise<boolean> {
    const { broker, request, matches } = this.#work;
    const { queue, expect } = request;
    try {
      const most = Math.max(COUNTED, Math.floor(expect * (1 + TOLERANCE)));
      const matched = await countMatching(broker, queue, matches, most, {
        signal: this.#stop.signal,
        onBatch: ({ looked }) => this.#change({ looked }),
      });
      if (matched === undefined) return this.#end('stopped');
      this.matched = matched > most ? undefined : matched;
      if (Math.abs(matched - expect) > expect * TOLERANCE) {
        const found = matched > most ? `more than ${most}` : String(matched);
        return this.#end('failed', {
          code: 'COUNT_CHANGED',
          message: `${expect} were expected, and ${found} match now: more than 10 % off. Nothing was changed.`,
          ...(this.matched !== undefined && { matched: this.matched }),
        });
      }
      this.#change({ total: matched, looked: 0 });
      return true;
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** Changes the letters. Never rejects. @returns how many */
  async change(): Promise<number> {
    const { broker, request, matches } = this.#work;
    const change: Change = request.do === 'move' ? { do: 'move', to: request.to as string } : { do: request.do };
    let lastAt = performance.now();
    try {
      const done = await changeMatching(broker, request.queue, matches, change, {
        signal: this.#stop.signal,
        onBatch: async (progress) => {
          this.#change(progress);
          // The server rests as long as it worked: workers come first.
          await sleep(Math.min(1_000, performance.now() - lastAt), undefined, { ref: false });
          lastAt = performance.now();
        },
      });
      this.#change({ done });
      this.#end(this.#stop.signal.aborted ? 'stopped' : 'done');
    } catch (error) {
      this.#failed(error);
    }
    return this.#row.done;
  }

  #failed(error: unknown): false {
    this.failure = error;
    this.#work.logger.error({ error, job: this.#row.id }, 'a bulk job of the dashboard failed');
    return this.#end('failed', shownError(error));
  }

  #change(changed: Partial<BulkJob>): void {
    const isFirst = this.#row.done === 0 && (changed.done ?? 0) > 0;
    this.#row = { ...this.#row, ...changed };
    if (isFirst) this.#work.onFirst?.();
    this.#work.onChange();
  }

  #end(state: BulkJob['state'], error?: ErrorBody['error']): false {
    this.#change({ state, endedAt: this.#work.now(), ...(error !== undefined && { error }) });
    return false;
  }
}
