import type { OpenedBroker } from '../app/open-broker.ts';
import { applicationTasks } from '../app/known-app.ts';
import { unknownName } from '../app/unknown-name.ts';
import { UsageError } from '../exit.ts';
import type { LetterChooser } from './letter-choice.ts';

/**
 * Checks the task of a filter that chose nothing: a misspelled name would look like success. It is known if one of the
 * letters that were looked at, or the application, has it.
 *
 * @throws UsageError naming the task that is most like it
 */
export async function checkTask(
  { adapter }: OpenedBroker,
  task: string | undefined,
  { chosen, tasks }: LetterChooser,
  app: string | undefined,
): Promise<void> {
  if (task === undefined || chosen > 0 || tasks.has(task)) return;
  const known = [...new Set([...tasks, ...(await applicationTasks(app))])].filter((name) => name !== '');
  if (known.length > 0 && !known.includes(task)) throw new UsageError(unknownName(adapter, 'task', task, known));
}
