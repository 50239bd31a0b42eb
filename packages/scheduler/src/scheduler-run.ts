import { createHash } from 'node:crypto';
import { type Broker, ConfigError, type TaskManager } from '@brokkr/core';
import { type Elections, type Leadership, pause } from '@brokkr/core/adapter';
import type { JobDefinition } from './define-job.ts';
import type { JobStates } from './job-state.ts';
import { canTellRuns } from './last-run.ts';
import type { ScheduledJob } from './scheduled-job.ts';
import { watchWallClock } from './wall-clock.ts';

const RETRY_MS = 1_000;
/** States asked for at once: enough to fill round trips, few enough to notice early that the broker is away. */
const READ_AT_ONCE = 5_000;

export interface RunOptions {
  readonly manager: TaskManager;
  readonly states: JobStates;
  /** Schedulers that carry the same jobs stand for the same one. */
  readonly election: string;
  readonly jobs: readonly ScheduledJob[];
}

/** A scheduler between its start and its stop: it waits for the broker and to lead, and puts its jobs to work. */
export class SchedulerRun {
  readonly #manager: TaskManager;
  readonly #states: JobStates;
  readonly #election: string;
  readonly #ending = new AbortController();
  /** From when on the ticks of a job count that nobody remembers. */
  readonly #since = new WeakMap<ScheduledJob, number>();
  readonly #waiting = new Set<ScheduledJob>();
  readonly #atWork = new Set<ScheduledJob>();
  /** Aborts when jobs are to stop; `undefined` while they wait. */
  #working: AbortSignal | undefined;
  #broker: Broker | undefined;
  #beginning: Promise<void> | undefined;
  #changes: Promise<unknown> = Promise.resolve();
  #loop: Promise<void> = Promise.resolve();
  #isAway = false;

  constructor({ manager, states, election, jobs }: RunOptions) {
    this.#manager = manager;
    this.#states = states;
    // Any name will do for a scheduler, and not for what a broker makes of it.
    this.#election = `scheduler.${createHash('sha1').update(election).digest('hex').slice(0, 16)}`;
    for (const job of jobs) this.#add(job);
  }

  /**
   * Resolves once the jobs are at work, or wait in the background: for a broker that is away, or to lead.
   * @throws ConfigError where the adapter or a job is at fault; then nothing runs
   */
  async start(): Promise<void> {
    const stopWatching = watchWallClock(this.#manager.clock, () => {
      for (const job of this.#atWork) job.look();
    });
    let isReady = false;
    await new Promise<void>((resolve, reject) => {
      const ready = () => {
        isReady = true;
        resolve();
      };
      this.#loop = this.#work(ready)
        .catch((error: unknown) => {
          if (isReady) this.#manager.logger.error({ error }, 'the scheduler cannot work, and has ended');
          reject(error);
        })
        .finally(stopWatching);
    });
  }

  /** Ends the timers; resolves once no tick is being sent. */
  async end(): Promise<void> {
    this.#ending.abort();
    await this.#loop;
    await this.#changes;
  }

  /** @throws ConfigError where the job asks for what this broker cannot tell */
  check({ id, overlap }: JobDefinition): void {
    if (overlap === 'allow' || this.#broker === undefined || canTellRuns(this.#broker)) return;
    throw new ConfigError(
      `job ${JSON.stringify(id)}: overlap 'skip' needs a broker that keeps state, to tell whether the last run has ended; this one keeps none, use 'allow'`,
      { code: 'JOB_INVALID' },
    );
  }

  /** Puts a job to work in the place of `before`, or (`undefined`) takes that one off. */
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
      // Nobody was elected: the end has come.
      if (lost === undefined) continue;
      const working = AbortSignal.any([signal, lost]);
      this.#working = working;
      const halted = onAbort(working).then(() => this.#halt());
      await this.#begin(ready);
      ready();
      await halted;
      await leadership?.release().catch((error: unknown) => {
        this.#manager.logger.warn({ error }, 'the lead could not be given up; it ends with the connection');
      });
    }
    ready();
  }

  async #open(): Promise<void> {
    const broker = await this.#manager.broker();
    this.#broker = broker;
    for (const { definition } of this.#waiting) this.check(definition);
    if (!broker.capabilities.idempotency && broker.elections === undefined) {
      this.#manager.logger.warn('this broker can neither tell repeated ticks nor elect: run one scheduler only');
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

  /** Puts every job that waits to work, as soon as the broker tells what it knows of it. */
  async #begin(ready: () => void = () => undefined): Promise<void> {
    const working = this.#working;
    if (working === undefined) return;
    this.#beginning ??= this.#untilThere(() => this.#beginAll(working), ready, working).finally(() => {
      this.#beginning = undefined;
    });
    await this.#beginning;
    // One may have come in the moment this ended.
    if (this.#waiting.size > 0 && !working.aborted) await this.#begin(ready);
  }

  async #beginAll(working: AbortSignal): Promise<void> {
    while (this.#waiting.size > 0) {
      const jobs = [...this.#waiting].slice(0, READ_AT_ONCE);
      const states = await Promise.all(jobs.map(({ id }) => this.#states.read(id)));
      for (const [index, job] of jobs.entries()) {
        if (working.aborted) return;
        const state = states[index];
        if (state === undefined || !this.#waiting.delete(job)) continue;
        this.#atWork.add(job);
        job.begin(state, this.#since.get(job) ?? this.#manager.clock.now());
      }
    }
  }

  /** Every job stops at once; what is being sent is waited for. */
  async #halt(): Promise<void> {
    this.#working = undefined;
    const jobs = [...this.#atWork];
    this.#atWork.clear();
    await Promise.all(jobs.map((job) => job.stop()));
    for (const job of jobs) this.#waiting.add(job);
  }

  #add(job: ScheduledJob): void {
    this.#since.set(job, this.#manager.clock.now());
    this.#waiting.add(job);
  }

  async #drop(job: ScheduledJob): Promise<void> {
    this.#waiting.delete(job);
    this.#atWork.delete(job);
    await job.stop();
    this.#waiting.delete(job);
  }

  /** Tries until it is done; what is not the broker's being away is thrown. */
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
          logger.warn({ error }, 'the broker is away: schedules wait for it, and send what is still in time then');
        }
        this.#isAway = true;
        ready();
        await pause(this.#manager.clock, RETRY_MS, until);
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
