import { ConfigError, TaskManager } from '@brokkr/core';
import type { MetricFamily, WorkerHealth } from '@brokkr/core/metrics';
import { shown } from '@brokkr/core/adapter';
import { checkReschedule, defineJob, defineTrigger, type GivenJob, type JobDefinition } from './define-job.ts';
import type { CommonOptions, Job, JobOptions, TriggerOptions } from './job-options.ts';
import { JobStates } from './job-state.ts';
import { ScheduledJob } from './scheduled-job.ts';
import { schedulerFamilies, schedulerHealth, type SchedulerState } from './scheduler-metrics.ts';
import { SchedulerRun } from './scheduler-run.ts';

/** Most jobs that an error lists. */
const MOST_NAMED = 10;

const instances = new Map<string, SchedulerManager>();

export interface SchedulerOptions {
  /** The task manager with the broker, clock and logger to use. @default the task manager of the same name */
  readonly manager?: TaskManager | undefined;
  /**
   * Name of the election, for brokers without idempotency keys: one of the schedulers with this name leads and sends, the
   * others wait. They must have the same jobs. @default the name of the scheduler
   */
  readonly election?: string | undefined;
}

/**
 * Sends tasks at set times. It runs no task itself: a job calls the `send` of a task. Jobs are defined in code. Their last
 * ticks and pauses are stored in the broker, if it stores states.
 *
 * @example
 * const scheduler = SchedulerManager.getInstance();
 * scheduler.addJob({ id: 'nightly', func: report.send, trigger: 'cron', hour: 2, timezone: 'UTC' });
 * await scheduler.start();
 */
export class SchedulerManager {
  readonly name: string;
  readonly #jobs = new Map<string, ScheduledJob>();
  readonly #manager: TaskManager;
  readonly #states: JobStates;
  readonly #election: string;
  #run: SchedulerRun | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #isStarted = false;

  private constructor(name: string, { manager, election }: SchedulerOptions) {
    this.name = name;
    this.#manager = manager ?? TaskManager.getInstance(name);
    this.#election = election ?? name;
    this.#states = new JobStates(this.#manager);
  }

  /**
   * Returns the scheduler of this name: the same one at each call.
   * @param name default: `default`
   * @param options apply to the first call for a name
   */
  static getInstance(name = 'default', options: SchedulerOptions = {}): SchedulerManager {
    const known = instances.get(name);
    if (known !== undefined) return known;
    const scheduler = new SchedulerManager(name, options);
    instances.set(name, scheduler);
    return scheduler;
  }

  /** Returns every scheduler that `getInstance` has made. */
  static all(): readonly SchedulerManager[] {
    return [...instances.values()];
  }

  /** Returns the task managers in use: first the one whose broker stores the state, then those of the jobs' tasks. */
  managers(): readonly [TaskManager, ...TaskManager[]] {
    const managers = new Set([...this.#jobs.values()].map(({ definition }) => TaskManager.of(definition.send.task)));
    managers.delete(this.#manager);
    return [this.#manager, ...managers];
  }

  /**
   * Adds a job. If the scheduler runs, the job starts at once.
   * @throws ConfigError (`JOB_INVALID`, `DURATION_INVALID`) that names job and field; (`JOB_EXISTS`) if there is a job
   * with this id. Then nothing has changed.
   * @example
   * scheduler.addJob({ id: 'report', func: report.send, args: ['daily'], trigger: 'cron', cronLine: '0 2 * * *' });
   */
  addJob<A extends readonly unknown[]>(options: JobOptions<A>): Job {
    const given = (options ?? {}) as unknown as GivenJob;
    const definition = defineJob(given);
    const known = this.#jobs.get(definition.id);
    if (known !== undefined && given.replaceExisting !== true) {
      throw new ConfigError(
        `job ${JSON.stringify(definition.id)}: there is a job with this id; choose another id, or give replaceExisting: true`,
        { code: 'JOB_EXISTS' },
      );
    }
    this.#run?.check(definition);
    return this.#put(definition);
  }

  /** Returns the jobs, in the order in which they were added. */
  getJobs(): readonly Job[] {
    return [...this.#jobs.values()];
  }

  /**
   * Pauses a job until it is resumed, in every scheduler on this broker.
   * @throws ConfigError (`JOB_UNKNOWN`) if there is no such job; BrokerUnavailableError if the broker is unreachable. Then
   * nothing has changed.
   */
  async pauseJob(id: string): Promise<void> {
    await this.#get(id).pause(true);
  }

  /**
   * Resumes a paused job. Ticks of the pause are not made up for.
   * @throws ConfigError (`JOB_UNKNOWN`) if there is no such job; BrokerUnavailableError if the broker is unreachable. Then
   * nothing has changed.
   */
  async resumeJob(id: string): Promise<void> {
    await this.#get(id).pause(false);
  }

  /**
   * Sends the task of a job now, beside its schedule, also if the job is paused.
   * @returns the id of the message
   * @throws ConfigError (`JOB_UNKNOWN`) if there is no such job; BrokerUnavailableError if the broker is unreachable
   */
  async runJob(id: string): Promise<string> {
    const { send, args } = this.#get(id).definition;
    return (await send(...args)).id;
  }

  /** Removes a job and its stored state. @throws ConfigError (`JOB_UNKNOWN`) if there is no such job */
  async removeJob(id: string): Promise<void> {
    const job = this.#get(id);
    this.#jobs.delete(id);
    await this.#run?.replace(job, undefined);
    await this.#states.forget(id);
  }

  /**
   * Gives a job another trigger, with its `start`, `end` and `timezone`. Other options stay as they are.
   * @throws ConfigError (`JOB_INVALID`, `JOB_UNKNOWN`) that names job and field. Then nothing has changed.
   */
  rescheduleJob(id: string, options: TriggerOptions & Pick<CommonOptions, 'start' | 'end' | 'timezone'>): Job {
    const { definition } = this.#get(id);
    checkReschedule(id, options as unknown as GivenJob);
    return this.#put({ ...definition, ...defineTrigger(id, options, options.timezone ?? definition.givenZone) });
  }

  /** Reads the stored state of every job, such as a pause, and starts none. */
  async readState(): Promise<void> {
    await Promise.all([...this.#jobs.values()].map((job) => job.readState()));
  }

  /**
   * Starts the jobs. Resolves once their states are read. It resolves earlier if another scheduler leads, or if the
   * broker is unreachable: then the scheduler waits in the background, and later sends the ticks that are still within
   * `misfireGraceTime`. After a test has taken over the task manager, or given it back, `start` starts them again.
   * @throws ConfigError if the settings of the broker or a job are wrong; then nothing runs
   */
  async start(): Promise<void> {
    // A run of a test that has ended, or of the application that a test has taken over, would send nothing.
    if (this.#run?.isStale) void this.stop();
    if (this.#run === undefined) {
      const run = new SchedulerRun({
        manager: this.#manager,
        states: this.#states,
        election: this.#election,
        jobs: [...this.#jobs.values()],
      });
      this.#run = run;
      this.#starting = this.#start(run);
    }
    await this.#starting;
  }

  /** Stops the jobs, waits for ticks that are being sent, and lets another scheduler lead. */
  async stop(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    if (run !== undefined) {
      const before = this.#stopping;
      this.#stopping = (async () => {
        await before;
        await run.end();
        this.#manager.logger.info('scheduler stopped');
      })();
    }
    await this.#stopping;
  }

  /** Metrics of this scheduler in this process, for `writeMetrics` of `@brokkr/core/metrics`. `brokkr scheduler` serves them. */
  metricFamilies(): readonly MetricFamily[] {
    return schedulerFamilies(this.#state(), this.#manager.clock.now());
  }

  /** Why the health checks of this scheduler fail; empty lists if they succeed. */
  health(): WorkerHealth {
    return schedulerHealth(this.#state());
  }

  #state(): SchedulerState {
    const run = this.#run;
    return {
      name: this.name,
      phase: this.#phase(run),
      isLeading: run?.isLeading ?? false,
      isWaitingForBroker: run?.isWaitingForBroker ?? false,
      jobs: [...this.#jobs.values()],
    };
  }

  #phase(run: SchedulerRun | undefined): SchedulerState['phase'] {
    if (run === undefined) return this.#isStarted ? 'stopped' : 'new';
    if (run.hasFailed) return 'failed';
    return this.#isStarted ? 'running' : 'starting';
  }

  async #start(run: SchedulerRun): Promise<void> {
    try {
      // The run before must have ended.
      await this.#stopping;
      await run.start();
    } catch (error) {
      if (this.#run === run) this.#run = undefined;
      throw error;
    }
    if (this.#run !== run) return;
    this.#isStarted = true;
    this.#manager.logger.info({ jobs: this.#jobs.size }, 'scheduler started');
  }

  #put(definition: JobDefinition): Job {
    const before = this.#jobs.get(definition.id);
    const job = new ScheduledJob(definition, { manager: this.#manager, states: this.#states }, before);
    this.#jobs.set(definition.id, job);
    void this.#run?.replace(before, job);
    return job;
  }

  #get(id: string): ScheduledJob {
    const job = this.#jobs.get(id);
    if (job !== undefined) return job;
    const named = [...this.#jobs.keys()].slice(0, MOST_NAMED).join(', ');
    const others = this.#jobs.size > MOST_NAMED ? ` and ${this.#jobs.size - MOST_NAMED} others` : '';
    const jobs = this.#jobs.size === 0 ? 'this scheduler has no jobs' : `jobs are ${named}${others}`;
    throw new ConfigError(`there is no job ${shown(id)}; ${jobs}`, { code: 'JOB_UNKNOWN' });
  }
}
