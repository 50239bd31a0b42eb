import { ConfigError, TaskManager } from '@brokkr/core';
import { defineJob, type GivenJob, type JobDefinition, triggerOf, zone } from './define-job.ts';
import type { CommonOptions, Job, JobOptions, TriggerOptions } from './job-options.ts';
import { JobStates } from './job-state.ts';
import { ScheduledJob } from './scheduled-job.ts';

const instances = new Map<string, SchedulerManager>();

export interface SchedulerOptions {
  /** Whose broker, clock and logger it uses. @default the task manager of the same name */
  readonly manager?: TaskManager | undefined;
}

/**
 * Sends tasks when they are due. It never runs work itself: a job is a task's `send`. Jobs live in code; their last tick
 * and whether they are paused live in the broker, where it can keep them.
 */
export class SchedulerManager {
  readonly name: string;
  readonly #jobs = new Map<string, ScheduledJob>();
  readonly #changes = new Set<Promise<void>>();
  readonly #manager: TaskManager;
  readonly #states: JobStates;
  #running = false;

  private constructor(name: string, manager: TaskManager) {
    this.name = name;
    this.#manager = manager;
    this.#states = new JobStates(manager);
  }

  /** The scheduler of that name: the same one at each call. */
  static getInstance(name = 'default', { manager }: SchedulerOptions = {}): SchedulerManager {
    const known = instances.get(name);
    if (known !== undefined) return known;
    const scheduler = new SchedulerManager(name, manager ?? TaskManager.getInstance(name));
    instances.set(name, scheduler);
    return scheduler;
  }

  /** Every scheduler asked for so far. */
  static all(): readonly SchedulerManager[] {
    return [...instances.values()];
  }

  /**
   * Adds a job; it waits for its first tick as soon as the scheduler runs.
   * @throws ConfigError (`JOB_INVALID`) naming job and field, or (`JOB_EXISTS`) where the id is known; then nothing changed
   */
  addJob<A extends readonly unknown[]>(options: JobOptions<A>): Job {
    const given = options as unknown as GivenJob;
    const definition = defineJob(given, this.#manager);
    const known = this.#jobs.get(definition.id);
    if (known !== undefined && given.replaceExisting !== true) {
      throw new ConfigError(
        `job ${JSON.stringify(definition.id)}: id is known already; give another, or replaceExisting: true`,
        { code: 'JOB_EXISTS' },
      );
    }
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
    await job.stop();
    await this.#states.forget(id);
  }

  /** Gives a job another trigger; what else it has stays. @throws ConfigError naming job and field */
  rescheduleJob(id: string, options: TriggerOptions & Pick<CommonOptions, 'start' | 'end' | 'timezone'>): Job {
    const { definition } = this.#get(id);
    const timezone = options.timezone === undefined ? definition.timezone : zone(id, options.timezone);
    return this.#put({ ...definition, timezone, trigger: triggerOf(id, options, timezone) });
  }

  /** Reads what the broker knows of every job, such as a pause, without starting any. */
  async readState(): Promise<void> {
    await Promise.all([...this.#jobs.values()].map((job) => job.readState()));
  }

  /**
   * Starts the timers; resolves once the broker has told what it knows of every job.
   * @throws BrokerUnavailableError where it is away; then nothing runs, and it may be started again
   */
  async start(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    const { logger } = this.#manager;
    try {
      const { idempotency } = (await this.#manager.broker()).capabilities;
      if (!idempotency) logger.warn('this broker cannot tell repeated ticks: run one scheduler only');
      await Promise.all([...this.#jobs.values()].map((job) => job.start()));
    } catch (error) {
      await this.stop();
      throw error;
    }
    logger.info({ jobs: this.#jobs.size }, 'scheduler started');
  }

  /** Ends the timers, and waits for ticks that are being sent. */
  async stop(): Promise<void> {
    if (!this.#running) return;
    this.#running = false;
    await Promise.all([...this.#jobs.values()].map((job) => job.stop()));
    await Promise.all(this.#changes);
    this.#manager.logger.info('scheduler stopped');
  }

  #put(definition: JobDefinition): Job {
    const job = new ScheduledJob(definition, { manager: this.#manager, states: this.#states });
    const before = this.#jobs.get(definition.id);
    this.#jobs.set(definition.id, job);
    // One that is added before the start is started by it.
    const startsNow = this.#running;
    const change = (async () => {
      await before?.stop();
      if (startsNow && this.#running && this.#jobs.get(definition.id) === job) await job.start();
    })()
      .catch((error: unknown) => this.#manager.logger.error({ job: job.id, error }, 'a job could not be started'))
      .finally(() => this.#changes.delete(change));
    this.#changes.add(change);
    return job;
  }

  #get(id: string): ScheduledJob {
    const job = this.#jobs.get(id);
    if (job !== undefined) return job;
    const known = [...this.#jobs.keys()].join(', ') || 'none';
    throw new ConfigError(`there is no job ${JSON.stringify(id)}; known are ${known}`, { code: 'JOB_UNKNOWN' });
  }
}
