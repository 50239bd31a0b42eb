import type { DeadLetterRecord } from '@brokkr/core';
import { moment } from '../terminal/spans.ts';
import { table } from '../terminal/table.ts';
import { crashText } from './crash-text.ts';

const REASON_LENGTH = 100;

/** A dead letter, and the queue that it comes from. */
export interface ListedLetter extends DeadLetterRecord {
  readonly queue: string;
}

/** Shows letters as one table. */
export function letterTable(letters: readonly ListedLetter[], showsQueue: boolean): string {
  const head = [...(showsQueue ? ['queue'] : []), 'id', 'task', 'died', 'attempts', 'redrives', 'reason'];
  const rows = letters.map(({ queue, id, task, deadAt, attempts, crashes, redriven, reason }) => [
    ...(showsQueue ? [queue] : []),
    id,
    task,
    moment(deadAt ?? attempts.at(-1)?.at),
    attempts.at(-1)?.attempt ?? crashText(crashes) ?? 0,
    redriven?.count ?? 0,
    shortened(reason),
  ]);
  return table(head, rows);
}

/** The first line of a reason. */
function shortened(reason: string): string {
  const line = reason.split('\n', 1)[0] as string;
  return line.length > REASON_LENGTH ? `${line.slice(0, REASON_LENGTH - 1)}…` : line;
}
