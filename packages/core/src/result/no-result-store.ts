import { UnsupportedFeatureError } from '../errors/errors.ts';

/** The error of a task that keeps results, if there is no store for them. */
export function noResultStore(task: string): UnsupportedFeatureError {
  return new UnsupportedFeatureError(
    `task ${task} keeps its results, but this broker stores none; set TASK_RESULT_URL to one that does, such as redis://`,
    { code: 'RESULT_STORE_MISSING' },
  );
}
