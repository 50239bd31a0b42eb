/** A job of a scheduler, as the dashboard reads it. */
export interface JobLike {
  readonly id: string;
  readonly taskName: string;
  readonly trigger: string;
  readonly timezone: string;
  readonly paused: boolean;
  /** Left out by schedulers of earlier versions, and if the last tick is not known. */
  readonly lastTickAt?: Date | undefined;
  nextRuns(count: number): readonly Date[];
}

/** The methods of a `SchedulerManager` of `@brokkr/scheduler` that the dashboard calls. */
export interface SchedulerLike {
  readonly name: string;
  getJobs(): readonly JobLike[];
  readState(): Promise<void>;
  pauseJob(id: string): Promise<void>;
  resumeJob(id: string): Promise<void>;
  runJob(id: string): Promise<string>;
}
