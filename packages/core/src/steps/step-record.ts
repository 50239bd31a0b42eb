import { createHash } from 'node:crypto';

/** How long steps are kept after the last change of their message: 30 days. */
export const STEPS_KEPT_MS = 30 * 86_400_000;

/** Ids of ours have 22 characters; other programs may choose longer ones than the name of a record allows. */
const LONGEST_ID = 200;

/** Name of the record that keeps the steps of a message: a field for each step. */
export function recordOfSteps(id: string): string {
  return `steps:${id.length <= LONGEST_ID ? id : createHash('sha256').update(id).digest('hex')}`;
}
