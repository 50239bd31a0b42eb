import { ConfigError, TaskManager } from '@brokkr/core';
import { checkReschedule, defineJob, type GivenJob, type JobDefinition, triggerOf, zone } from './define-job.ts';
import type { CommonOptions, Job, JobOptions, TriggerOptions } from './job-options.ts';
import { JobStates } from './job-state.ts';
import { ScheduledJob } from './scheduled-job.ts';
import { SchedulerRun } from './scheduler-run.ts';

const instances = new Map<string, SchedulerManager>();

export interface SchedulerOptions {
  /** Whose broker, clock and logger it uses. @default the task manager of the same name */
  readonly manager?: TaskManager | undefined;
  /**
   * Where the broker cannot tell ticks apart, one scheduler of those with the same `election` sends, and the others wait:
   * they carry the same jobs. @default its name
   */
  readonly election?: string | undefined;
}

/**
 * Sends tasks when they are due. It never runs work itself: a job is a task's `send`. Jobs live in code; their last tick
 * and whether they are paused live in the broker, where it can keep them.
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

  private constructor(name: string, { manager, election }: SchedulerOptions) {
    this.name = name;
    this.#manager = manager ?? TaskManager.getInstance(name);
    this.#election = election ?? name;
    this.#states = new JobStates(this.#manager);
  }

  /** The scheduler of that name: the same one at each call. */
  static getInstance(name = 'default', options: SchedulerOptions = {}): SchedulerManager {
    const known = instances.get(name);
    if (known !== undefined) return known;
    const scheduler = new SchedulerManager(name, options);
    instances.set(name, scheduler);
    return scheduler;
  }

  /** Every scheduler asked for so far. */
  static all(): readonly SchedulerManager[] {
    return [...instances.values()];
  }

  /** Whom it works with: the task manager whose broker keeps its state, then those that its jobs' tasks belong to. */
  managers(): readonly [TaskManager, ...TaskManager[]] {
    const managers = new Set([...this.#jobs.values()].map(({ definition }) => TaskManager.of(definition.send.task)));
    managers.delete(this.#manager);
    return [this.#manager, ...managers];
  }

  /**
   * Adds a job; it waits for its first tick as soon as the scheduler runs.
   * @throws ConfigError (`JOB_INVALID`) naming job and field, or (`JOB_EXISTS`) where the id is known; then nothing changed
   */
  addJob<A extends readonly unknown[]>(options: JobOptions<A>): Job {
    const given = (options ?? {}) as unknown as GivenJob;
    const definition = defineJob(given);
    const known = this.#jobs.get(definition.id);
    if (known !== undefined && given.replaceExisting !== true) {
      throw new ConfigError(
        `job ${JSON.stringify(definition.id)}: id is known already; give another, or replaceExisting: true`,
        { code: 'JOB_EXISTS' },
      );
    }
    this.#run?.check(definition);
    return this.#put(definition);
  }

  /** The jobs in the order they were added. */
  getJobs(): readonly Job[] {
    return [...this.#jobs.values()];
  }

  /** No ticks until it is resumed, in every scheduler on this broker. @throws ConfigError where there is no such job */
  async pauseJob(id: string): Promise<void> {
    await this.#get(id).pause(true);
  }

  /** Ticks from now on; those of the pause are not made up for. @throws ConfigError where there is no such job */
  async resumeJob(id: string): Promise<void> {
    await this.#get(id).pause(false);
  }

  /** Forgets the job and its state. @throws ConfigError where there is no such job */
  async removeJob(id: string): Promise<void> {
    const job = this.#get(id);
    this.#jobs.delete(id);
    await this.#run?.replace(job, undefined);
    await this.#states.forget(id);
  }

  /**
   * Gives a job another trigger, with its `start`, `end` and `timezone`; what else it has stays.
   * @throws ConfigError naming job and field; then nothing changed
   */
  rescheduleJob(id: string, options: TriggerOptions & Pick<CommonOptions, 'start' | 'end' | 'timezone'>): Job {
    const { definition } = this.#get(id);
    checkReschedule(id, options as unknown as GivenJob);
    const timezone = options.timezone === undefined ? definition.timezone : zone(id, options.timezone);
    return this.#put({ ...definition, timezone, trigger: triggerOf(id, options, timezone) });
  }

  /** Reads what the broker knows of every job, such as a pause, without starting any. */
  async readState(): Promise<void> {
    await Promise.all([...this.#jobs.values()].map((job) => job.readState()));
  }

  /**
   * Puts the jobs to work. Resolves once the broker has told what it knows of them; or at once, where this scheduler
   * waits for another one to give up the lead, or where the broker is away: then it is waited for, and ticks that are
   * within `misfireGraceTime` are sent when it is back.
   * @throws ConfigError where the broker's adapter or a job is at fault; then nothing runs
   */
  async start(): Promise<void> {
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

  /** Ends the timers, waits for ticks that are being sent, and lets another scheduler lead. */
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

  async #start(run: SchedulerRun): Promise<void> {
    try {
      // Of the run before, nothing may be under way.
      await this.#stopping;
      await run.start();
    } catch (error) {
      if (this.#run === run) this.#run = undefined;
      throw error;
    }
    if (this.#run === run) this.#manager.logger.info({ jobs: this.#jobs.size }, 'scheduler started');
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
    const known = [...this.#jobs.keys()].join(', ') || 'none';
    throw new ConfigError(`there is no job ${JSON.stringify(id)}; known are ${known}`, { code: 'JOB_UNKNOWN' });
  }
}
