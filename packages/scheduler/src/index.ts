export type { Job, JobOptions, TriggerOptions } from './job-options.ts';
export { SchedulerManager } from './scheduler-manager.ts';
