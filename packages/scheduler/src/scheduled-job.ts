import type { TaskManager } from '@brokkr/core';
import type { Clock, TimerHandle } from '@brokkr/core/adapter';
import type { JobDefinition } from './define-job.ts';
import { DueTicks } from './due-ticks.ts';
import type { Job } from './job-options.ts';
import { JobProgress, type Moment } from './job-progress.ts';
import type { JobState, JobStates } from './job-state.ts';
import type { JobSurroundings } from './job-surroundings.ts';
import { TickSender } from './tick-sender.ts';

const RETRY_MS = 1_000;

export interface JobHost {
  readonly manager: TaskManager;
  readonly states: JobStates;
}

/**
 * A job of a scheduler: a timer for its next tick, and the sending of that tick. If the broker knows idempotency keys, a
 * tick has a key made of job and instant: however many schedulers send it, the broker stores one message.
 */
export class ScheduledJob implements Job {
  readonly definition: JobDefinition;
  readonly #host: JobHost;
  readonly #due: DueTicks;
  #progress: JobProgress;
  #sender: TickSender;
  #surroundings: JobSurroundings | undefined;
  #timer: TimerHandle;
  #running = false;
  #paused = false;
  #missed = 0;
  #sent = 0;
  #lastSentAt: number | undefined;
  /** Since when its ticks cannot be sent, on the monotonic clock. */
  #awaySince: number | undefined;
  #underway: Promise<void> | undefined;

  /** @param before the job that this one replaces */
  constructor(definition: JobDefinition, host: JobHost, before?: ScheduledJob) {
    this.definition = definition;
    this.#host = host;
    this.#due = new DueTicks(definition);
    this.#progress = new JobProgress(definition, this.#due);
    this.#sender = new TickSender(definition, host.manager, host.states);
    this.#paused = before?.paused ?? false;
    this.#missed = before?.missed ?? 0;
    this.#sent = before?.sent ?? 0;
    this.#lastSentAt = before?.lastSentAt;
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

  /** Ticks that this process has sent. */
  get sent(): number {
    return this.#sent;
  }

  /** When this process last sent a tick, epoch milliseconds. */
  get lastSentAt(): number | undefined {
    return this.#lastSentAt;
  }

  /** For how long its due ticks could not be sent, milliseconds; 0 if they can. */
  get awayMs(): number {
    return this.#awaySince === undefined ? 0 : this.#host.manager.clock.monotonic() - this.#awaySince;
  }

  get nextRunAt(): Date | undefined {
    return this.#paused ? undefined : this.nextRuns(1)[0];
  }

  get lastTickAt(): Date | undefined {
    const tick = this.#progress.lastTick;
    return tick === undefined ? undefined : new Date(tick);
  }

  nextRuns(count: number): readonly Date[] {
    const { clock } = this.#host.manager;
    const now = clock.now();
    const runs: Date[] = [];
    // Progress in the time of another clock, that of a test before, says nothing about this one.
    const isOfThisClock = this.#surroundings === undefined || this.#surroundings.clock === clock;
    let from = isOfThisClock ? this.#progress.nextAfter(now) : now;
    while (runs.length < count) {
      const tick = this.definition.trigger.next(from);
      if (tick === undefined) break;
      runs.push(new Date(tick));
      from = tick;
    }
    return runs;
  }

  async readState(): Promise<void> {
    this.#learn(await this.#host.states.read(this.id));
  }

  /**
   * Sends missed ticks that are still in time, and waits for the next one.
   * @param since start of a job without state: ticks after it count. A one-off job counts even if it was due before
   */
  begin(state: JobState, since: number, surroundings: JobSurroundings): void {
    const before = this.#surroundings;
    // With another broker or clock it is another schedule: a test starts from the beginning.
    if (before !== undefined && (before.clock !== surroundings.clock || before.broker !== surroundings.broker)) {
      this.#progress = new JobProgress(this.definition, this.#due);
      this.#sender = new TickSender(this.definition, this.#host.manager, this.#host.states);
      this.#missed = 0;
    }
    this.#surroundings = surroundings;
    this.#running = true;
    this.#learn(state);
    if (this.#progress.isNew && !this.definition.trigger.isOnce) this.#progress.pass(since);
    this.#fire(surroundings);
  }

  /** Sends no further tick. Resolves once no tick is being sent. */
  async stop(): Promise<void> {
    this.#running = false;
    this.#surroundings?.clock.clearTimeout(this.#timer);
    await this.#underway;
  }

  /** Sets the timer again, after the clock of the host was set. */
  look(): void {
    const surroundings = this.#surroundings;
    if (!this.#running || this.#underway !== undefined || surroundings === undefined) return;
    surroundings.clock.clearTimeout(this.#timer);
    this.#fire(surroundings);
  }

  async pause(paused: boolean): Promise<void> {
    const { manager, states } = this.#host;
    this.#learn(await states.read(this.id));
    // Ticks that are due during a pause are not made up for.
    const last = Math.max(this.#progress.last, manager.clock.now());
    await Promise.all([
      states.writePaused(this.id, paused),
      states.writeProgress(this.id, this.#progress.toStore(last)),
    ]);
    this.#paused = paused;
    this.#progress.pass(last);
    if (!paused) await this.#sender.forgetLastRun();
  }

  #fire(surroundings: JobSurroundings): void {
    this.#underway = this.#tick(surroundings).finally(() => {
      this.#underway = undefined;
    });
  }

  /** Sends the due ticks. Then waits for the next one, or for a broker that is unreachable. */
  async #tick(surroundings: JobSurroundings): Promise<void> {
    // In the next microtask: a look at all jobs must find this tick in progress.
    await undefined;
    if (!surroundings.checkClock()) return;
    const { clock } = surroundings;
    const again = await this.#sendDue(surroundings);
    if (!this.#running) return;
    const moment = momentOf(clock);
    const waits = [this.#progress.waitMs(moment) ?? this.#untilNext(again, moment), ...(again ? [RETRY_MS] : [])];
    const waitMs = Math.min(...waits);
    if (waitMs < Number.POSITIVE_INFINITY) {
      this.#timer = clock.setTimeout(() => this.#fire(surroundings), Math.max(1, waitMs));
    }
  }

  #untilNext(again: boolean, { now }: Moment): number {
    const next = this.definition.trigger.next(again ? now : this.#progress.last);
    return next === undefined ? Number.POSITIVE_INFINITY : this.#due.dueAt(next) - now;
  }

  /** Returns whether something is left to do that failed. */
  async #sendDue(surroundings: JobSurroundings): Promise<boolean> {
    const { logger } = this.#host.manager;
    let ticks: readonly number[] = [];
    try {
      await this.#goOn(surroundings);
      const due = this.#due.since(this.#progress.last, surroundings.clock.now());
      ticks = due.ticks;
      if (ticks.length > 0) await this.#sendTicks(ticks, due.more, surroundings);
      else if (this.#progress.isUnwritten) await this.#write();
      if (this.#awaySince !== undefined) logger.info({ job: this.id }, 'the broker is back: ticks are sent again');
      this.#awaySince = undefined;
      return false;
    } catch (error) {
      this.#passOver(ticks, surroundings);
      if (this.#awaySince === undefined) {
        logger.warn(
          { job: this.id, error },
          'a tick could not be sent; it is sent again until misfireGraceTime is over',
        );
      }
      this.#awaySince ??= surroundings.clock.monotonic();
      return true;
    }
  }

  /** If the last tick lies in the future and no scheduler sends further ones, goes on by the time of this host. */
  async #goOn({ clock, reporter }: JobSurroundings): Promise<void> {
    if (!this.#progress.isStuck(momentOf(clock))) return;
    this.#learn(await this.#host.states.read(this.id));
    const moment = momentOf(clock);
    if (!this.#progress.isStuck(moment)) return;
    reporter.repeated(this.id, this.#progress.last);
    this.#progress.goOn(moment.now);
  }

  async #sendTicks(ticks: readonly number[], more: boolean, surroundings: JobSurroundings): Promise<void> {
    this.#learn(await this.#host.states.read(this.id));
    this.#passOver(ticks, surroundings);
    const open = this.#paused ? [] : ticks.filter((tick) => tick > this.#progress.last);
    const { coalesce } = this.definition;
    // If further ticks are due, the last of all of them is in a later round.
    const chosen = !coalesce ? open : more ? [] : open.slice(-1);
    for (const tick of chosen) {
      // Sending many ticks takes time, in which another process may pause the job.
      if (tick !== chosen[0]) this.#learn(await this.#host.states.read(this.id));
      if (!this.#running || this.#paused) return;
      if (tick <= this.#progress.last) continue;
      if (await this.#sender.send(tick, this.#progress, surroundings)) {
        this.#sent++;
        this.#lastSentAt = surroundings.clock.now();
      } else this.#missed++;
      await this.#done(tick);
    }
    if (!this.#running) return;
    const latest = ticks.at(-1) as number;
    await this.#done(more ? this.#leap(latest, surroundings) : latest);
  }

  /** Passes over ticks without counting them: a job of every second has 31 million after a year. */
  #leap(latest: number, { clock, reporter }: JobSurroundings): number {
    const to = this.#due.endOfGrace(clock.now());
    if (to <= latest) return latest;
    reporter.uncounted(this.id, latest, to);
    return to;
  }

  #learn({ progress, paused }: JobState): void {
    this.#paused = paused;
    if (progress !== undefined) this.#progress.learn(progress, this.#host.manager.clock.now());
  }

  /** Counts and reports the ticks that are too late. During a pause, no tick is missed. */
  #passOver(ticks: readonly number[], { clock, reporter }: JobSurroundings): void {
    const now = clock.now();
    const late = ticks.filter((tick) => tick > this.#progress.last && this.#due.isTooLate(tick, now));
    if (!this.#paused) {
      this.#missed += late.length;
      reporter.late(this.id, late);
    }
    this.#progress.pass(late.at(-1) ?? this.#progress.last);
  }

  async #done(tick: number): Promise<void> {
    this.#progress.pass(tick);
    if (this.#progress.isUnwritten) await this.#write();
  }

  async #write(): Promise<void> {
    const progress = this.#progress;
    const stored = progress.toStore();
    // A scheduler that was stopped in the middle of a tick may have lost its lead since: the next leader is further on.
    if (!this.#running && !progress.isAfter((await this.#host.states.read(this.id)).progress)) return;
    await this.#host.states.writeProgress(this.id, stored);
    progress.isUnwritten = progress.last !== stored.last;
  }
}

function momentOf(clock: Clock): Moment {
  return { now: clock.now(), monotonic: clock.monotonic() };
}
