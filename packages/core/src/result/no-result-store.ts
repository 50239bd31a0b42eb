import { UnsupportedFeatureError } from '../errors/errors.ts';

/** The error of a task that keeps its result, if no store keeps results. */
export function noResultStore(task: string): UnsupportedFeatureError {
  return new UnsupportedFeatureError(
    `task ${task} keeps its result, and this broker keeps no results; set TASK_RESULT_URL to a store that does, such as redis://`,
    { code: 'RESULT_STORE_MISSING' },
  );
}
