import type { PublishReceipt } from '../broker/broker.ts';
import type { Envelope } from '../broker/envelope.ts';
import { TASK_HEADER } from '../broker/headers.ts';
import { readLane } from '../broker/lane-names.ts';
import type { TelemetrySinks } from '../middleware/telemetry-sinks.ts';
import { type Cell, CellTable } from '../worker/cell-table.ts';
import { Durations } from '../worker/durations.ts';
import { outcomeOf } from './send-outcome.ts';

/** What became of a message that was sent. `duplicate`: its idempotency key was known, and nothing was stored. */
export type SendResult = 'stored' | 'duplicate' | 'not_stored' | 'unknown';

/** Counts of one task on one queue since the manager was first used. */
export class SendCell implements Cell {
  readonly queue: string;
  readonly task: string;
  readonly results: { [R in SendResult]: number } = { stored: 0, duplicate: 0, not_stored: 0, unknown: 0 };
  /** From `send` until the broker answered. */
  readonly took = new Durations();

  constructor(queue: string, task: string) {
    this.queue = queue;
    this.task = task;
  }
}

/** Counts the messages that a manager sends, and reports them to the telemetry sinks. */
export class SendStats {
  readonly #cells = new CellTable((queue, task) => new SendCell(queue, task));
  readonly #sinks: TelemetrySinks;
  #lastLane = '';
  #lastQueue = '';

  constructor(sinks: TelemetrySinks) {
    this.#sinks = sinks;
  }

  cells(): Iterable<SendCell> {
    return this.#cells;
  }

  /**
   * Counts the messages of one call.
   * @param outcomes the receipt or the error of each
   */
  answered(envelopes: readonly Envelope[], outcomes: readonly (PublishReceipt | Error)[], ms: number): void {
    for (let index = 0; index < envelopes.length; index++) {
      const outcome = outcomes[index] as PublishReceipt | Error;
      const { queue, headers } = envelopes[index] as Envelope;
      const cell = this.#cells.get(this.#queueOf(queue), headers[TASK_HEADER] as string);
      cell.results[resultOf(outcome)]++;
      cell.took.observe(ms);
    }
    if (this.#sinks.hearsSent) this.#report(envelopes, (index) => outcomes[index], ms);
  }

  /** Counts the messages of a call that failed as a whole. */
  failed(envelopes: readonly Envelope[], error: unknown, ms: number): void {
    const result = resultOf(error);
    for (const { queue, headers } of envelopes) {
      const cell = this.#cells.get(this.#queueOf(queue), headers[TASK_HEADER] as string);
      cell.results[result]++;
      cell.took.observe(ms);
    }
    if (this.#sinks.hearsSent) this.#report(envelopes, () => error, ms);
  }

  /** The queue of a lane. Remembers the last one, because many sends of a burst have the same. */
  #queueOf(lane: string): string {
    if (lane !== this.#lastLane) {
      this.#lastLane = lane;
      this.#lastQueue = readLane(lane).queue;
    }
    return this.#lastQueue;
  }

  /** One event for each series of messages with the same task, queue and outcome. */
  #report(envelopes: readonly Envelope[], outcomeOf: (index: number) => unknown, ms: number): void {
    let messages = 0;
    for (const [index, envelope] of envelopes.entries()) {
      messages++;
      const next = envelopes[index + 1];
      const error = errorIn(outcomeOf(index));
      if (next !== undefined && isAlike(envelope, next) && error === errorIn(outcomeOf(index + 1))) continue;
      const task = envelope.headers[TASK_HEADER] as string;
      this.#sinks.sent({
        queue: this.#queueOf(envelope.queue),
        task,
        ms,
        messages,
        ...(error === undefined ? {} : { error }),
      });
      messages = 0;
    }
  }
}

function isAlike(one: Envelope, other: Envelope): boolean {
  return one.queue === other.queue && one.headers[TASK_HEADER] === other.headers[TASK_HEADER];
}

function errorIn(outcome: unknown): unknown {
  return isReceipt(outcome) ? undefined : outcome;
}

function isReceipt(outcome: unknown): outcome is PublishReceipt {
  return typeof outcome === 'object' && outcome !== null && 'isNew' in outcome && !(outcome instanceof Error);
}

function resultOf(outcome: unknown): SendResult {
  if (isReceipt(outcome)) return outcome.isNew ? 'stored' : 'duplicate';
  return outcomeOf(outcome) === 'not stored' ? 'not_stored' : 'unknown';
}
