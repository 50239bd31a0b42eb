import { createHash } from 'node:crypto';
import { type Clock, ResultTimeoutError, type TaskHandle, type TaskManager, type TimerHandle } from '@brokkr/core';
import type { JobDefinition } from './define-job.ts';
import type { Job } from './job-options.ts';
import type { JobStates } from './job-state.ts';

/** Ticks looked at in one turn when a scheduler comes back after a long time; the next turn looks at the rest. */
const MOST_AT_ONCE = 10_000;
const RETRY_MS = 1_000;
/** A message that is asked for its result this soon answers from what is stored. */
const AT_ONCE = '1ms';

export interface JobHost {
  readonly manager: TaskManager;
  readonly states: JobStates;
}

/**
 * One job at work: a timer for its next tick, and what happens then. A tick is sent under an id made of the job and the
 * tick's instant, so that however many schedulers run, the broker keeps one message.
 */
export class ScheduledJob implements Job {
  readonly definition: JobDefinition;
  readonly #host: JobHost;
  #timer: TimerHandle;
  #running = false;
  #paused = false;
  #missed = 0;
  /** The last tick that is done with. */
  #last = 0;
  #underway: Promise<void> | undefined;
  #handle: TaskHandle | undefined;

  constructor(definition: JobDefinition, host: JobHost) {
    this.definition = definition;
    this.#host = host;
  }

  get id(): string {
    return this.definition.id;
  }

  get taskName(): string {
    return this.definition.send.task.taskName;
  }

  get trigger(): string {
    return this.definition.trigger.words;
  }

  get timezone(): string {
    return this.definition.timezone;
  }

  get paused(): boolean {
    return this.#paused;
  }

  get missed(): number {
    return this.#missed;
  }

  get nextRunAt(): Date | undefined {
    return this.#paused ? undefined : this.nextRuns(1)[0];
  }

  nextRuns(count: number): readonly Date[] {
    const runs: Date[] = [];
    let tick = this.definition.trigger.next(this.#clock.now());
    while (tick !== undefined && runs.length < count) {
      runs.push(new Date(tick));
      tick = this.definition.trigger.next(tick);
    }
    return runs;
  }

  async readState(): Promise<void> {
    this.#paused = (await this.#host.states.read(this.id)).paused;
  }

  /** Reads what is known of the job, sends what was missed and may still be, and waits for the next tick. */
  async start(): Promise<void> {
    this.#running = true;
    const { last, paused } = await this.#host.states.read(this.id);
    this.#paused = paused;
    // A one-off job of long ago is looked at once more; a repeating one nobody remembers begins now.
    this.#last = last ?? (this.definition.trigger.isOnce ? Number.NEGATIVE_INFINITY : this.#clock.now());
    this.#fire();
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#clock.clearTimeout(this.#timer);
    await this.#underway;
  }

  async pause(paused: boolean): Promise<void> {
    this.#paused = paused;
    // What was due while it was paused is not made up for.
    this.#last = Math.max(this.#last, this.#clock.now());
    await Promise.all([
      this.#host.states.writePaused(this.id, paused),
      this.#host.states.writeLast(this.id, this.#last),
    ]);
  }

  get #clock(): Clock {
    return this.#host.manager.clock;
  }

  #fire(): void {
    this.#underway = this.#tick().finally(() => {
      this.#underway = undefined;
    });
  }

  /** Sends what is due, then waits for the next tick, or for a broker that is away. */
  async #tick(): Promise<void> {
    const again = await this.#sendDue();
    if (!this.#running) return;
    const now = this.#clock.now();
    const next = this.definition.trigger.next(again ? now : Math.max(0, this.#last));
    const waits = [...(again ? [RETRY_MS] : []), ...(next === undefined ? [] : [this.#dueAt(next) - now])];
    if (waits.length > 0) this.#timer = this.#clock.setTimeout(() => this.#fire(), Math.max(1, Math.min(...waits)));
  }

  /** Whether something is left to send that could not be. */
  async #sendDue(): Promise<boolean> {
    const due = this.#due();
    const latest = due.at(-1);
    if (latest === undefined) return false;
    const now = this.#clock.now();
    try {
      const state = await this.#host.states.read(this.id);
      this.#paused = state.paused;
      const last = Math.max(0, this.#last, state.last ?? 0);
      const open = due.filter((tick) => tick > last);
      const inTime = open.filter((tick) => !this.#isTooLate(tick, now));
      this.#countMissed(open.filter((tick) => this.#isTooLate(tick, now)));
      if (!this.#paused) {
        for (const tick of this.definition.coalesce ? inTime.slice(-1) : inTime) await this.#send(tick);
      }
      this.#last = Math.max(last, latest);
      await this.#host.states.writeLast(this.id, this.#last);
      return false;
    } catch (error) {
      const tooLate = due.filter((tick) => this.#isTooLate(tick, now));
      this.#countMissed(tooLate);
      this.#last = Math.max(this.#last, tooLate.at(-1) ?? this.#last);
      this.#host.manager.logger.warn({ job: this.id, error }, 'a tick could not be sent; it is tried again in time');
      return tooLate.length < due.length;
    }
  }

  /** Ticks since the last one done with, oldest first. */
  #due(): number[] {
    const now = this.#clock.now();
    const due: number[] = [];
    const { trigger } = this.definition;
    const from = Math.max(this.#last, trigger.isOnce ? 0 : this.#firstWorthLooking(now));
    for (let tick = trigger.next(from); tick !== undefined; tick = trigger.next(tick)) {
      if (this.#dueAt(tick) > now || due.length >= MOST_AT_ONCE) break;
      due.push(tick);
    }
    return due;
  }

  /** A job of every second whose scheduler was away for a year has nothing to send of most of it. */
  #firstWorthLooking(now: number): number {
    return now - Math.max(86_400_000, 2 * this.definition.graceMs + this.definition.jitterMs);
  }

  async #send(tick: number): Promise<void> {
    const { send, args, overlap } = this.definition;
    if (overlap === 'skip' && (await this.#isUnfinished())) {
      this.#host.manager.logger.info({ job: this.id }, 'the last run has not ended; this tick is skipped');
      return;
    }
    const { idempotency } = (await this.#host.manager.broker()).capabilities;
    const key = { idempotencyKey: tickId(this.id, tick) };
    this.#handle = await (idempotency ? send.with(key).send : send)(...args);
  }

  async #isUnfinished(): Promise<boolean> {
    if (this.#handle === undefined) return false;
    try {
      await this.#handle.result({ timeout: AT_ONCE });
      return false;
    } catch (error) {
      return error instanceof ResultTimeoutError;
    }
  }

  #countMissed(ticks: readonly number[]): void {
    this.#missed += ticks.length;
    for (const tick of ticks.slice(-10)) {
      this.#host.manager.logger.warn(
        { job: this.id, tick: new Date(tick).toISOString() },
        'tick missed: it was due longer ago than misfireGraceTime',
      );
    }
  }

  #isTooLate(tick: number, now: number): boolean {
    return now - this.#dueAt(tick) > this.definition.graceMs;
  }

  /** The jitter of a tick is drawn from its id: the same in every process. */
  #dueAt(tick: number): number {
    const { jitterMs } = this.definition;
    if (jitterMs === 0) return tick;
    const draw = createHash('sha1').update(tickId(this.id, tick)).digest().readUInt32BE(0) / 2 ** 32;
    return tick + Math.floor(draw * (jitterMs + 1));
  }
}

function tickId(id: string, tick: number): string {
  return `tick:${id}:${tick}`;
}
