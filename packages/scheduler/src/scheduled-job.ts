import {
  type Broker,
  ConfigError,
  PayloadTooLargeError,
  SerializationError,
  type TaskManager,
  UnsupportedFeatureError,
  ValidationError,
} from '@brokkr/core';
import type { Clock, TimerHandle } from '@brokkr/core/adapter';
import type { JobDefinition } from './define-job.ts';
import { DueTicks, tickId } from './due-ticks.ts';
import type { Job } from './job-options.ts';
import type { JobState, JobStates } from './job-state.ts';
import { LastRun } from './last-run.ts';

const RETRY_MS = 1_000;
/** Tells a handler which tick it works for: `currentTask().headers`. */
const TICK_HEADER = 'scheduled-at';
/** A last tick further ahead than this was written by a host whose clock was wrong. */
const CLOCKS_DIFFER_MS = 3_600_000;
/** Trying again would not mend these. */
const LASTING = [ConfigError, ValidationError, SerializationError, PayloadTooLargeError, UnsupportedFeatureError];

export interface JobHost {
  readonly manager: TaskManager;
  readonly states: JobStates;
}

/**
 * One job at work: a timer for its next tick, and what happens then. Where the broker can, a tick is sent under an id
 * made of the job and the tick's instant, so that however many schedulers run, it keeps one message.
 */
export class ScheduledJob implements Job {
  readonly definition: JobDefinition;
  readonly #host: JobHost;
  readonly #ticks: DueTicks;
  readonly #lastRun: LastRun;
  #timer: TimerHandle;
  #running = false;
  #paused = false;
  #missed = 0;
  /** The last tick that is done with. */
  #last = Number.NEGATIVE_INFINITY;
  /** `#last` is not in the state yet. */
  #isUnwritten = false;
  #isAway = false;
  #underway: Promise<void> | undefined;

  /** @param before the job whose place it takes */
  constructor(definition: JobDefinition, host: JobHost, before?: ScheduledJob) {
    this.definition = definition;
    this.#host = host;
    this.#ticks = new DueTicks(definition);
    this.#lastRun = new LastRun(definition.id, host.states);
    this.#paused = before?.paused ?? false;
    this.#missed = before?.missed ?? 0;
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
    let from = this.#clock.now();
    while (runs.length < count) {
      const tick = this.definition.trigger.next(from);
      if (tick === undefined) break;
      runs.push(new Date(tick));
      from = tick;
    }
    return runs;
  }

  async readState(): Promise<void> {
    this.#paused = (await this.#host.states.read(this.id)).paused;
  }

  /**
   * Sends what was missed and may still be, and waits for the next tick.
   * @param since from when on ticks count that nobody remembers; a one-off job of long ago is looked at once more
   */
  begin(state: JobState, since: number): void {
    this.#running = true;
    this.#learn(state);
    if (this.#last === Number.NEGATIVE_INFINITY && !this.definition.trigger.isOnce) {
      this.#last = since;
      this.#isUnwritten = true;
    }
    this.#fire();
  }

  /** Sends nothing from now on; resolves once nothing is under way. */
  async stop(): Promise<void> {
    this.#running = false;
    this.#clock.clearTimeout(this.#timer);
    await this.#underway;
  }

  /** Looks at the clock again, that has been set. */
  look(): void {
    if (!this.#running || this.#underway !== undefined) return;
    this.#clock.clearTimeout(this.#timer);
    this.#fire();
  }

  async pause(paused: boolean): Promise<void> {
    // What was due while it was paused is not made up for.
    const last = Math.max(this.#last, this.#clock.now());
    await Promise.all([this.#host.states.writePaused(this.id, paused), this.#host.states.writeLast(this.id, last)]);
    this.#paused = paused;
    this.#last = Math.max(this.#last, last);
    if (this.definition.overlap === 'skip' && !paused) await this.#lastRun.forget(await this.#host.manager.broker());
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
    const next = this.definition.trigger.next(again ? now : this.#last);
    const waits = [...(again ? [RETRY_MS] : []), ...(next === undefined ? [] : [this.#ticks.dueAt(next) - now])];
    if (waits.length > 0) this.#timer = this.#clock.setTimeout(() => this.#fire(), Math.max(1, Math.min(...waits)));
  }

  /** Whether something is left to do that could not be done. */
  async #sendDue(): Promise<boolean> {
    const { ticks, more } = this.#ticks.since(this.#last, this.#clock.now());
    try {
      if (ticks.length > 0) await this.#sendThose(ticks, more);
      else if (this.#isUnwritten) await this.#write();
      if (this.#isAway) this.#host.manager.logger.info({ job: this.id }, 'the broker is back: ticks are sent again');
      this.#isAway = false;
      return false;
    } catch (error) {
      this.#passOver(ticks);
      if (!this.#isAway) {
        this.#host.manager.logger.warn({ job: this.id, error }, 'a tick could not be sent; it is tried again in time');
      }
      this.#isAway = true;
      return true;
    }
  }

  async #sendThose(ticks: readonly number[], more: boolean): Promise<void> {
    const broker = await this.#host.manager.broker();
    this.#learn(await this.#host.states.read(this.id));
    this.#passOver(ticks);
    const open = this.#paused ? [] : ticks.filter((tick) => tick > this.#last);
    const { coalesce } = this.definition;
    // With more to come, the last one that is to stand for all of them is not among these.
    const chosen = !coalesce ? open : more ? [] : open.slice(-1);
    for (const tick of chosen) {
      // Catching up may take its time, in which somebody asks for a pause.
      if (tick !== chosen[0]) this.#learn(await this.#host.states.read(this.id));
      if (!this.#running || this.#paused) return;
      if (tick <= this.#last) continue;
      await this.#send(broker, tick);
      await this.#done(tick);
    }
    if (!this.#running) return;
    const latest = ticks.at(-1) as number;
    await this.#done(more ? this.#leap(latest) : latest);
  }

  async #send(broker: Broker, tick: number): Promise<void> {
    const { args, overlap } = this.definition;
    const { logger } = this.#host.manager;
    const headers = { [TICK_HEADER]: new Date(tick).toISOString() };
    const key = broker.capabilities.idempotency ? { idempotencyKey: tickId(this.id, tick) } : {};
    const { send } = this.definition.send.with({ headers, ...key });
    try {
      if (overlap === 'allow') await send(...args);
      else if (await this.#lastRun.isOpen(broker, this.#last, this.#clock.now())) {
        logger.info({ job: this.id }, 'the last run has not ended; this tick is skipped');
      } else await this.#lastRun.send(broker, send, args, tick);
    } catch (error) {
      if (!LASTING.some((kind) => error instanceof kind)) throw error;
      this.#missed++;
      logger.error({ job: this.id, tick: new Date(tick).toISOString(), error }, 'tick missed: it cannot be sent');
    }
  }

  /** A job of every second whose scheduler was away for a year has nothing to send of most of it. */
  #leap(latest: number): number {
    const from = this.#ticks.endOfGrace(this.#clock.now());
    if (from <= latest) return latest;
    const told = { job: this.id, from: new Date(latest).toISOString(), to: new Date(from).toISOString() };
    this.#host.manager.logger.warn(told, 'more ticks were missed than are counted');
    return from;
  }

  /** What others have done meanwhile. */
  #learn({ last, paused }: JobState): void {
    this.#paused = paused;
    if (last === undefined || last <= this.#last) return;
    if (last > this.#clock.now() + CLOCKS_DIFFER_MS) {
      const told = { job: this.id, last: new Date(last).toISOString() };
      this.#host.manager.logger.warn(
        told,
        'the last tick lies in the future: some host had a wrong clock; it is ignored',
      );
      return;
    }
    this.#last = last;
  }

  /** Ticks that are too late are told of, once, and done with; in a pause nobody has missed them. */
  #passOver(ticks: readonly number[]): void {
    const now = this.#clock.now();
    const late = ticks.filter((tick) => tick > this.#last && this.#ticks.isTooLate(tick, now));
    if (!this.#paused) {
      this.#missed += late.length;
      for (const tick of late) {
        this.#host.manager.logger.warn(
          { job: this.id, tick: new Date(tick).toISOString() },
          'tick missed: it was due longer ago than misfireGraceTime',
        );
      }
    }
    this.#last = Math.max(this.#last, late.at(-1) ?? this.#last);
    if (late.length > 0) this.#isUnwritten = true;
  }

  async #done(tick: number): Promise<void> {
    this.#isUnwritten ||= tick > this.#last;
    this.#last = Math.max(this.#last, tick);
    if (this.#isUnwritten) await this.#write();
  }

  async #write(): Promise<void> {
    const last = this.#last;
    // Who was stopped in the middle of a tick may have lost the lead long ago, and another one is further on.
    if (!this.#running && ((await this.#host.states.read(this.id)).last ?? Number.NEGATIVE_INFINITY) >= last) return;
    await this.#host.states.writeLast(this.id, last);
    this.#isUnwritten = this.#last !== last;
  }
}
