import type { Logger } from 'pino';
import type { Delivery } from '../broker/delivery.ts';
import { ATTEMPT_HEADER, TASK_HEADER } from '../broker/headers.ts';
import type { Settlement } from '../broker/settlement.ts';
import type { EventEmitter } from './event-emitter.ts';
import { errorRecord } from '../errors/error-record.ts';
import { isA } from '../errors/is-a.ts';
import { RetryLater } from '../task/retry-later.ts';
import type { WorkerStats } from './worker-stats.ts';
import type { TaskEvent, WorkerEvents } from './worker.ts';

/** What is told of a delivery once the broker has taken its settlement. */
export interface Report {
  readonly event: 'succeeded' | 'retrying' | 'dead' | 'expired' | 'none';
  readonly durationMs: number;
  readonly error?: unknown;
}

/** Names come off the wire: of more than so many the first are enough to see what is wrong. */
const MOST_UNKNOWN = 100;

export const NO_REPORT: Report = { event: 'none', durationMs: 0 };

/**
 * What is told of a settlement.
 * @param ranMs how long the handler ran; `undefined` where none did
 * @param error what it threw, which may be `undefined` too
 */
export function reportOf(settlement: Settlement, ranMs?: number, error?: unknown): Report {
  const durationMs = ranMs ?? 0;
  switch (settlement.kind) {
    case 'ack':
      return { event: 'succeeded', durationMs };
    case 'retry':
      return { event: ranMs === undefined ? 'none' : 'retrying', durationMs, error };
    case 'dead-letter':
      return { event: 'dead', durationMs, error };
    case 'expire':
      return { event: 'expired', durationMs };
    case 'release':
      return NO_REPORT;
  }
}

/** Tells events, counts and log lines of what has happened to messages. */
export class Reporter {
  readonly #events: EventEmitter<WorkerEvents>;
  readonly #rates: WorkerStats;
  readonly #logger: Logger;
  readonly #unknownTasks = new Set<string>();

  constructor(events: EventEmitter<WorkerEvents>, rates: WorkerStats, logger: Logger) {
    this.#events = events;
    this.#rates = rates;
    this.#logger = logger;
  }

  settled(settlement: Settlement, lost: boolean, report: Report): void {
    if (lost) this.leaseLost(settlement.delivery, report.durationMs, report.error);
    else if (report.event === 'succeeded') this.#succeeded(settlement.delivery, report);
    else if (report.event !== 'none') this.#tell(report.event, settlement, report);
  }

  leaseLost(delivery: Delivery, durationMs: number, error: unknown): void {
    this.#rates.count('leaseLost');
    const event = eventOf(delivery, { durationMs, error });
    this.#logger.warn({ task: taskOf(event), durationMs }, 'lease lost: somebody else may run this task now');
    this.#events.emit('leaseLost', event);
  }

  unknown({ delivery, kind }: Settlement, error: unknown): void {
    this.#logger.warn(
      { task: taskOf(eventOf(delivery, { durationMs: 0 })), settlement: kind, error },
      'settle_unknown: no answer of the broker says whether this was settled; if it was not, the message is handed over again',
    );
  }

  /** Put off until somebody knows it: told once for each task, since its messages may be many and come again and again. */
  unknownTask(name: string, queue: string): void {
    if (this.#unknownTasks.has(name) || this.#unknownTasks.size >= MOST_UNKNOWN) return;
    this.#unknownTasks.add(name);
    this.#logger.warn(
      { task: name, queue },
      'this worker knows no task of that name: its messages are put off, and dead after ten minutes',
    );
  }

  /** The hot path: nothing is made that nobody hears. */
  #succeeded(delivery: Delivery, report: Report): void {
    this.#rates.count('succeeded');
    const heard = this.#events.has('succeeded');
    const logged = this.#logger.isLevelEnabled('debug');
    if (!heard && !logged) return;
    const event = eventOf(delivery, report);
    if (logged) this.#logger.debug({ task: taskOf(event), durationMs: event.durationMs }, 'task succeeded');
    if (heard) this.#events.emit('succeeded', event);
  }

  #tell(kind: 'retrying' | 'dead' | 'expired', settlement: Settlement, report: Report): void {
    this.#rates.count(kind);
    const event = eventOf(settlement.delivery, report);
    const fields = {
      task: taskOf(event),
      durationMs: event.durationMs,
      ...(report.error === undefined && kind !== 'retrying' ? {} : { error: errorRecord(report.error) }),
    };
    switch (kind) {
      case 'retrying':
        if (isA(report.error, RetryLater)) this.#later(event, settlement, report.error);
        else this.#logger.warn({ ...fields, ...nextAttempt(settlement) }, 'task failed and will be retried');
        break;
      case 'dead':
        this.#logger.error(
          { ...fields, reason: settlement.kind === 'dead-letter' ? settlement.reason : '' },
          'task is dead',
        );
        break;
      case 'expired':
        this.#logger.warn(fields, 'task expired before it started');
        break;
    }
    this.#events.emit(kind, event);
  }

  /** A handler that asks to run later has not failed: one line, without a stack. */
  #later(event: TaskEvent, settlement: Settlement, error: RetryLater): void {
    const fields = { task: taskOf(event), durationMs: event.durationMs, reason: errorRecord(error).message };
    this.#logger.info({ ...fields, ...nextAttempt(settlement) }, 'task will run again later, as it asked to');
  }
}

function eventOf(
  delivery: Delivery,
  { durationMs, error }: { readonly durationMs: number; readonly error?: unknown },
): TaskEvent {
  const { id, queue, headers } = delivery.envelope;
  const event = {
    id,
    name: headers[TASK_HEADER] ?? '',
    queue,
    attempt: Number(headers[ATTEMPT_HEADER] ?? 1),
    durationMs: Math.round(durationMs * 100) / 100,
  };
  return error === undefined ? event : { ...event, error };
}

function taskOf({ id, name, queue, attempt }: TaskEvent): object {
  return { id, name, queue, attempt };
}

function nextAttempt(settlement: Settlement): object {
  if (settlement.kind !== 'retry' || settlement.replacement.notBefore === undefined) return {};
  const nextAt = new Date(settlement.replacement.notBefore);
  // A wait may be longer than a Date can tell.
  return { nextAt: Number.isNaN(nextAt.getTime()) ? 'after the year 275760' : nextAt.toISOString() };
}
