import { createHash } from 'node:crypto';
import { type Broker, ConfigError, type TaskManager } from '@brokkr/core';
import { type Clock, type Elections, type Leadership, pause } from '@brokkr/core/adapter';
import type { JobDefinition } from './define-job.ts';
import { wrong } from './job-error.ts';
import type { JobStates } from './job-state.ts';
import { knowsRuns } from './last-run.ts';
import type { ScheduledJob } from './scheduled-job.ts';
import { TickReporter } from './tick-reporter.ts';
import { WallClockWatch } from './wall-clock.ts';

const RETRY_MS = 1_000;
const LEAST_REPORTED_MS = 1_000;
/** Most states read at the same time: enough to fill round trips, few enough to notice early that the broker is unreachable. */
const READ_AT_ONCE = 5_000;

export interface RunOptions {
  readonly manager: TaskManager;
  readonly states: JobStates;
  /** Name of the election: one of the schedulers that name it leads. */
  readonly election: string;
  readonly jobs: readonly ScheduledJob[];
}

/** A scheduler from its start to its stop: waits for the broker, waits until it leads, and starts its jobs. */
export class SchedulerRun {
  readonly #manager: TaskManager;
  readonly #states: JobStates;
  readonly #election: string;
  readonly #ending = new AbortController();
  /** Start of each job: if it has no stored state, ticks after this count. */
  readonly #since = new WeakMap<ScheduledJob, number>();
  readonly #waiting = new Set<ScheduledJob>();
  readonly #atWork = new Set<ScheduledJob>();
  /** Aborts when the jobs must stop; `undefined` while they wait. */
  #working: AbortSignal | undefined;
  #broker: Broker | undefined;
  #beginning: Promise<void> | undefined;
  #changes: Promise<unknown> = Promise.resolve();
  #loop: Promise<void> = Promise.resolve();
  #isAway = false;
  #hasFailed = false;
  /** The clock from start to stop. A test may give the manager another one in between. */
  readonly #clock: Clock;
  readonly #watch: WallClockWatch;
  readonly #reporter: TickReporter;

  constructor({ manager, states, election, jobs }: RunOptions) {
    this.#manager = manager;
    this.#clock = manager.clock;
    this.#watch = new WallClockWatch(this.#clock, (stepMs) => this.#onClockStep(stepMs));
    this.#reporter = new TickReporter(manager, this.#clock);
    this.#states = states;
    // A scheduler may have any name. Brokers accept few characters.
    this.#election = `scheduler.${createHash('sha1').update(election).digest('hex').slice(0, 16)}`;
    for (const job of jobs) this.#add(job);
  }

  /**
   * Resolves once the jobs run, or wait in the background: for a broker that is unreachable, or for the lead.
   * @throws ConfigError if the settings of the broker or a job are wrong; then nothing runs
   */
  async start(): Promise<void> {
    let isReady = false;
    await new Promise<void>((resolve, reject) => {
      const ready = () => {
        isReady = true;
        resolve();
      };
      this.#loop = this.#work(ready)
        .catch((error: unknown) => {
          this.#hasFailed = true;
          if (isReady)
            this.#manager.logger.error(
              { error },
              'the scheduler has ended: its broker or a job is not set up correctly',
            );
          reject(error);
        })
        .finally(() => {
          this.#watch.stop();
          this.#reporter.flush();
        });
    });
  }

  /** Whether the task manager has another clock now: a test took it over, or gave it back. Then no tick is sent. */
  get isStale(): boolean {
    return this.#manager.clock !== this.#clock;
  }

  /** Whether the jobs run: no other scheduler leads, and the broker was reachable. */
  get isLeading(): boolean {
    return this.#working !== undefined && !this.#working.aborted;
  }

  /** Whether it waits for a broker that is unreachable. */
  get isWaitingForBroker(): boolean {
    return this.#isAway;
  }

  /** Whether it has ended by an error of the settings. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Clears the timers. Resolves once no tick is being sent. */
  async end(): Promise<void> {
    this.#ending.abort();
    await this.#loop;
    await this.#changes;
  }

  /** @throws ConfigError (`JOB_INVALID`) if the job needs stored state or records, and the broker keeps none */
  check({ id, overlap, send: { joinedBy } }: JobDefinition): void {
    const broker = this.#broker;
    if (broker === undefined) return;
    if (overlap === 'skip' && !knowsRuns(broker)) {
      throw wrong(
        id,
        "overlap 'skip'",
        "needs a broker that stores state, to know whether the last run has ended; this broker stores none: use 'allow'",
      );
    }
    if (joinedBy === undefined || !broker.capabilities.idempotency || broker.records !== undefined) return;
    throw wrong(
      id,
      joinedBy,
      'needs a broker that keeps records, so that several schedulers send a tick once; this broker keeps none: send without it',
    );
  }

  /** Stops `before`, if it is given, and then starts `job`, if it is given. */
  replace(before: ScheduledJob | undefined, job: ScheduledJob | undefined): Promise<void> {
    const change = this.#changes.then(async () => {
      if (before !== undefined) await this.#drop(before);
      if (job === undefined || this.#ending.signal.aborted) return;
      this.#add(job);
      this.#begin().catch((error: unknown) => this.#manager.logger.error({ job: job.id, error }, 'a job cannot start'));
    });
    this.#changes = change;
    return change;
  }

  async #work(ready: () => void): Promise<void> {
    const { signal } = this.#ending;
    await this.#untilThere(() => this.#open(), ready);
    const broker = this.#broker;
    const elections = broker === undefined ? undefined : electionsOf(broker);
    while (!signal.aborted) {
      const leadership = elections && (await this.#lead(elections, ready));
      const lost = elections === undefined ? signal : leadership?.lost;
      // No leadership: `end` was called during the election.
      if (lost === undefined) continue;
      const working = AbortSignal.any([signal, lost]);
      this.#working = working;
      const halted = onAbort(working).then(() => this.#halt());
      await this.#begin(ready);
      ready();
      await halted;
      await leadership?.release().catch((error: unknown) => {
        this.#manager.logger.warn({ error }, 'the lead could not be released; it ends with the connection');
      });
    }
    ready();
  }

  async #open(): Promise<void> {
    const broker = await this.#manager.broker();
    this.#broker = broker;
    for (const { definition } of this.#waiting) this.check(definition);
    if (!broker.capabilities.idempotency && broker.elections === undefined) {
      this.#manager.logger.warn(
        'run one scheduler only: this broker neither knows idempotency keys nor elects, so that a second one would send each tick again',
      );
    }
  }

  async #lead(elections: Elections, ready: () => void): Promise<Leadership | undefined> {
    let leadership: Leadership | undefined;
    const { signal } = this.#ending;
    await this.#untilThere(async () => {
      const elected = elections.elect(this.#election, { signal });
      ready();
      leadership = await elected;
    }, ready);
    if (leadership !== undefined) this.#manager.logger.info('this scheduler leads: it sends the ticks');
    return leadership;
  }

  /** Starts every job that waits, as soon as its state is read. */
  async #begin(ready: () => void = () => undefined): Promise<void> {
    const working = this.#working;
    if (working === undefined) return;
    this.#beginning ??= this.#untilThere(() => this.#beginAll(working), ready, working).finally(() => {
      this.#beginning = undefined;
    });
    await this.#beginning;
    // A job may have been added just before this ended.
    if (this.#waiting.size > 0 && !working.aborted) await this.#begin(ready);
  }

  async #beginAll(working: AbortSignal): Promise<void> {
    const broker = await this.#manager.broker();
    const checkClock = () => this.#checkClock();
    const surroundings = { clock: this.#clock, broker, reporter: this.#reporter, checkClock };
    while (this.#waiting.size > 0) {
      const jobs = [...this.#waiting].slice(0, READ_AT_ONCE);
      const states = await Promise.all(jobs.map(({ id }) => this.#states.read(id)));
      for (const [index, job] of jobs.entries()) {
        if (working.aborted) return;
        const state = states[index];
        if (state === undefined || !this.#waiting.delete(job)) continue;
        this.#atWork.add(job);
        job.begin(state, this.#since.get(job) ?? this.#clock.now(), surroundings);
      }
    }
  }

  /** Stops every job, and waits for ticks that are being sent. */
  async #halt(): Promise<void> {
    this.#working = undefined;
    const jobs = [...this.#atWork];
    this.#atWork.clear();
    await Promise.all(jobs.map((job) => job.stop()));
    for (const job of jobs) this.#waiting.add(job);
  }

  #checkClock(): boolean {
    if (this.isStale) return false;
    this.#watch.look();
    return true;
  }

  #onClockStep(stepMs: number): void {
    const seconds = Math.round(Math.abs(stepMs) / 1_000);
    if (stepMs <= -LEAST_REPORTED_MS) this.#reporter.clockWentBack(seconds);
    else if (stepMs >= LEAST_REPORTED_MS) {
      this.#manager.logger.info({ seconds }, 'the clock of this host went ahead, or the machine slept');
    }
    for (const job of this.#atWork) job.look();
  }

  #add(job: ScheduledJob): void {
    this.#since.set(job, this.#clock.now());
    this.#waiting.add(job);
  }

  async #drop(job: ScheduledJob): Promise<void> {
    this.#waiting.delete(job);
    this.#atWork.delete(job);
    await job.stop();
    this.#waiting.delete(job);
  }

  /** Repeats `action` until it succeeds. @throws ConfigError of `action`, which a repetition would not fix */
  async #untilThere(action: () => Promise<void>, ready: () => void, until = this.#ending.signal): Promise<void> {
    const { logger } = this.#manager;
    while (!until.aborted) {
      try {
        await action();
        if (this.#isAway) logger.info('the broker is back');
        this.#isAway = false;
        return;
      } catch (error) {
        if (error instanceof ConfigError) throw error;
        if (!this.#isAway) {
          logger.warn(
            { error },
            'the broker is unreachable: ticks that are still within misfireGraceTime are sent when it is back',
          );
        }
        this.#isAway = true;
        ready();
        await pause(this.#clock, RETRY_MS, until);
      }
    }
  }
}

/** Elections, if one scheduler must send for all: if the broker cannot recognize a tick that was sent twice. */
function electionsOf({ capabilities, elections }: Broker): Elections | undefined {
  return capabilities.idempotency ? undefined : elections;
}

function onAbort(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
