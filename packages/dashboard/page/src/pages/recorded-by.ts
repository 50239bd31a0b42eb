import type { MessageDetail } from '../../../src/api/types.ts';

/**
 * The worker that recorded a death, in words. A message that crashed, or that no worker can run, is found dead by the
 * worker that receives it next: without the words, its name would read as that of the worker that crashed.
 */
export function recordedBy(
  message: Pick<MessageDetail, 'attempts' | 'crashes' | 'deadAt' | 'deadBy'>,
): string | undefined {
  const { attempts, crashes = 0, deadAt, deadBy } = message;
  const last = attempts.at(-1);
  if (deadBy === undefined || (last?.worker === deadBy && last.at === deadAt)) return deadBy;
  return `recorded by ${deadBy}, which did not run it${crashes > 0 || last !== undefined ? ' again' : ''}`;
}
