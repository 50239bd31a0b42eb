import { UnsupportedFeatureError } from '../errors/errors.ts';

/** A task keeps its result, and nothing keeps results. */
export function noResultStore(task: string): UnsupportedFeatureError {
  return new UnsupportedFeatureError(
    `task ${task} keeps its result, and this broker keeps none; set TASK_RESULT_URL to one that does`,
    { code: 'RESULT_STORE_MISSING' },
  );
}
