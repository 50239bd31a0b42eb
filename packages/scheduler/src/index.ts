export type { Job, JobInfo, JobOptions, TriggerOptions } from './job-options.ts';
export { SchedulerManager } from './scheduler-manager.ts';
