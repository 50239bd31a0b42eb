import type { Logger } from 'pino';
import type { Delivery } from '../broker/delivery.ts';
import { TASK_HEADER } from '../broker/headers.ts';
import { isSuspect } from '../broker/suspect.ts';
import type { SuspectReport } from '../broker/worker-report.ts';

export interface SuspectIsolationOptions {
  readonly id: string;
  readonly logger: Logger;
  readonly clock: { now(): number };
}

/**
 * Runs suspects alone. A suspect is a message that was in two crashes: it may have caused them, or only have been in the
 * same worker. Run alone, it is charged only with a crash of its own.
 *
 * A worker runs a suspect if it fetched it alone and holds nothing else. Any other worker releases it together with the
 * rest of its fetch, finishes its running tasks, and then fetches one message at a time until one arrives that is not a
 * suspect. Suspects come in groups, because the messages beside a poison message become suspects with it.
 *
 * Meanwhile every other message of the worker waits. So the suspect is logged, and its report names it.
 */
export class SuspectIsolation {
  readonly #options: SuspectIsolationOptions;
  #occupied = false;
  #wary = false;
  #suspect: SuspectReport | undefined;
  /** Whether nothing is left to finish for the suspect: if another worker has taken it, no message waits. */
  #isIdle = false;
  #onChange: () => void = () => undefined;

  constructor(options: SuspectIsolationOptions) {
    this.#options = options;
  }

  /** Whether a suspect runs: nothing else may start or be fetched. */
  get isClosed(): boolean {
    return this.#occupied;
  }

  /** Whether messages are fetched one at a time, and only when nothing is held: the next one may be a suspect. */
  get isWary(): boolean {
    return this.#wary;
  }

  /** The suspect for which other messages wait: it runs alone, or the worker finishes its other tasks before. */
  get suspect(): SuspectReport | undefined {
    return this.#isIdle ? undefined : this.#suspect;
  }

  /** Calls `listener` whenever `suspect` changes. */
  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /**
   * Notes that suspects were fetched.
   * @param fetched the messages of the fetch
   * @param alone whether the suspect is the only message, and the worker holds no other
   * @returns whether it may run; if not, its whole fetch is released
   */
  suspectMayStart(fetched: readonly Delivery[], alone: boolean): boolean {
    this.#wary = true;
    const suspect = fetched.find(isSuspect);
    if (!alone && suspect !== undefined && this.#suspect === undefined) {
      this.#begin(
        suspect,
        false,
        'the worker finishes its running tasks, then suspects run alone: other messages wait',
      );
    }
    return alone;
  }

  /** Notes that a suspect starts. */
  enter(suspect: Delivery): void {
    this.#occupied = true;
    this.#begin(suspect, true, 'a suspect runs alone: other messages of this worker wait until it has ended');
  }

  /** Notes that a run has ended. @param running how many still run */
  leave(running: number): void {
    const wasOccupied = this.#occupied;
    this.#occupied = false;
    if (this.#suspect === undefined) return;
    if (wasOccupied) this.#end();
    else if (running === 0) {
      this.#isIdle = true;
      this.#onChange();
    }
  }

  /** Notes that messages without a suspect were fetched. */
  relax(): void {
    this.#wary = false;
    if (this.#suspect !== undefined) this.#end();
  }

  #begin({ envelope, crashes }: Delivery, runs: boolean, message: string): void {
    const { id, logger, clock } = this.#options;
    const { id: messageId, queue, headers } = envelope;
    this.#isIdle = false;
    this.#suspect = { id: messageId, task: headers[TASK_HEADER] ?? '', queue, crashes, runs, since: clock.now() };
    const task = { id: messageId, name: this.#suspect.task, queue };
    logger.warn({ worker: id, task, crashes }, message);
    this.#onChange();
  }

  #end(): void {
    const { id, logger, clock } = this.#options;
    const { id: messageId, task: name, queue, since } = this.#suspect as SuspectReport;
    this.#suspect = undefined;
    const task = { id: messageId, name, queue };
    logger.info({ worker: id, task, forMs: clock.now() - since }, 'the worker takes other messages again');
    this.#onChange();
  }
}
