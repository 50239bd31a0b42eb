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

/** The event, count and log line of a delivery, once the broker has accepted its settlement. */
export interface Report {
  readonly event: 'succeeded' | 'retrying' | 'dead' | 'expired' | 'none';
  readonly durationMs: number;
  readonly error?: unknown;
}

/** Most unknown tasks that are logged: names come from messages, and any program may send those. */
const MOST_UNKNOWN = 100;

export const NO_REPORT: Report = { event: 'none', durationMs: 0 };

/**
 * The report of a settlement.
 * @param ranMs how long the handler ran; `undefined` if none ran
 * @param error value that the handler threw, which may be `undefined` too
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

/** Emits events, counts, and writes log lines about messages that were settled. */
export class Reporter {
  readonly #events: EventEmitter<WorkerEvents>;
  readonly #stats: WorkerStats;
  readonly #logger: Logger;
  readonly #unknownTasks = new Set<string>();

  constructor(events: EventEmitter<WorkerEvents>, stats: WorkerStats, logger: Logger) {
    this.#events = events;
    this.#stats = stats;
    this.#logger = logger;
  }

  settled(settlement: Settlement, lost: boolean, report: Report): void {
    if (lost) this.leaseLost(settlement.delivery, report.durationMs, report.error);
    else if (report.event === 'succeeded') this.#succeeded(settlement.delivery, report);
    else if (report.event !== 'none') this.#report(report.event, settlement, report);
  }

  leaseLost(delivery: Delivery, durationMs: number, error: unknown): void {
    this.#stats.count('leaseLost');
    const event = eventOf(delivery, { durationMs, error });
    this.#logger.warn({ task: taskOf(event), durationMs }, 'lease lost: another worker may run this task now');
    this.#events.emit('leaseLost', event);
  }

  unknown({ delivery, kind }: Settlement, error: unknown): void {
    this.#logger.warn(
      { task: taskOf(eventOf(delivery, { durationMs: 0 })), settlement: kind, error },
      'settle_unknown: no answer of the broker says whether this message was settled; if it was not, it is delivered again',
    );
  }

  /** Logs an unknown task once: there may be many messages of it, and each is delivered again and again. */
  unknownTask(name: string, queue: string): void {
    if (this.#unknownTasks.has(name) || this.#unknownTasks.size >= MOST_UNKNOWN) return;
    this.#unknownTasks.add(name);
    this.#logger.warn(
      { task: name, queue },
      'unknown task: its messages are delayed for 30 s at a time and become dead letters after 10 minutes; run a worker that defines this task',
    );
  }

  /** Hot path: creates an event only if it is logged or has a listener. */
  #succeeded(delivery: Delivery, report: Report): void {
    this.#stats.count('succeeded');
    const hasListener = this.#events.has('succeeded');
    const logged = this.#logger.isLevelEnabled('debug');
    if (!hasListener && !logged) return;
    const event = eventOf(delivery, report);
    if (logged) this.#logger.debug({ task: taskOf(event), durationMs: event.durationMs }, 'task succeeded');
    if (hasListener) this.#events.emit('succeeded', event);
  }

  #report(kind: 'retrying' | 'dead' | 'expired', settlement: Settlement, report: Report): void {
    this.#stats.count(kind);
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
  // A delay may be longer than a Date can hold.
  return { nextAt: Number.isNaN(nextAt.getTime()) ? 'after the year 275760' : nextAt.toISOString() };
}
