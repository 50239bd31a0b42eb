import type { SuspectReport } from '@brokkr/core/adapter';
import { span } from '../terminal/spans.ts';

/** What a worker does because of a message that crashed workers. @param now epoch milliseconds */
export function suspectLine(
  worker: string,
  { id, task, queue, crashes, runs, since }: SuspectReport,
  now: number,
): string {
  const does = runs ? 'runs it alone' : 'finishes its other tasks before it runs it alone';
  return `message ${id} (${task} in ${queue}) was in ${crashes} crashes: ${worker} ${does}, for ${span(now - since)}; its other messages wait`;
}
