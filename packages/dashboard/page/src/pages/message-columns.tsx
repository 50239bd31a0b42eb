import type { MessageRow, MessageState } from '../../../src/api/types.ts';
import { now } from '../api/clock.ts';
import { Figure } from '../parts/figure.tsx';
import type { Column } from '../parts/table.tsx';
import { Text } from '../parts/text.tsx';
import { Time } from '../parts/time.tsx';
import { attemptsOf } from '../text/attempts.ts';
import { duration } from '../text/duration.ts';
import { queueLink } from './queue-columns.tsx';

type MessageColumn = Column<MessageRow>;

/** Page of a message. Its id may hold any character. */
export function messageLink(queue: string, id: string): string {
  return queueLink(queue, 'message').replace(/message$/, `message/${encodeURIComponent(id)}`);
}

const id: MessageColumn = {
  key: 'id',
  title: 'Id',
  label: '',
  class: 'full id',
  cell: (row) => (
    <a class="mono" href={messageLink(row.queue, row.id)}>
      <Text value={row.id} />
    </a>
  ),
};
const task: MessageColumn = {
  key: 'task',
  title: 'Task',
  label: '',
  class: 'half',
  cell: (row) => (row.task === '' ? <span class="zero">no name</span> : <Text value={row.task} />),
};
const args: MessageColumn = {
  key: 'args',
  title: 'Arguments',
  label: '',
  class: 'clip mono soft full',
  cell: (row) => (row.args === undefined ? <span class="zero">not at hand</span> : <Text value={row.args} />),
};
const attempt: MessageColumn = {
  key: 'attempt',
  title: 'Attempt',
  class: 'num',
  cell: (row) => (row.maxAttempts === undefined ? row.attempt : `${row.attempt} of ${row.maxAttempts}`),
};

function time(key: string, title: string, at: (row: MessageRow) => number | undefined): MessageColumn {
  return {
    key,
    title,
    label: '',
    class: 'num corner',
    cell: (row) => {
      const value = at(row);
      return value === undefined ? <span class="zero">–</span> : <Time at={value} />;
    },
  };
}

const reason: MessageColumn = {
  key: 'reason',
  title: 'Error',
  label: '',
  class: 'clip mono soft full',
  cell: (row) => (row.reason === undefined ? <span class="zero">–</span> : <Text value={row.reason} />),
};

const COLUMNS: Readonly<Record<MessageState, readonly MessageColumn[]>> = {
  ready: [id, task, time('sent', 'Sent', (row) => row.sentAt), attempt, args],
  delayed: [
    id,
    task,
    time('due', 'Due', (row) => row.dueAt),
    { key: 'why', title: 'Why', class: '', cell: (row) => (row.isRetry === true ? 'retry' : 'as sent') },
    attempt,
    args,
  ],
  running: [
    id,
    task,
    {
      key: 'for',
      title: 'Runs for',
      label: '',
      class: 'num corner',
      cell: ({ startedAt }) =>
        startedAt === undefined ? (
          <Figure value={undefined} />
        ) : (
          <Time at={startedAt}>{duration(Math.max(0, now.value - startedAt))}</Time>
        ),
    },
    attempt,
    { key: 'worker', title: 'Worker', class: '', cell: (row) => <Text value={row.worker ?? 'unknown'} /> },
    args,
  ],
  dead: [
    id,
    task,
    time('died', 'Died', (row) => row.deadAt),
    { ...attempt, title: 'Attempts', cell: attemptsOf },
    {
      key: 'redriven',
      title: 'Redriven',
      class: 'num',
      cell: ({ redriven = 0 }) => (redriven === 0 ? <span class="zero">–</span> : `${redriven}×`),
    },
    { key: 'worker', title: 'Recorded by', class: 'wide-only', cell: (row) => <Text value={row.deadBy ?? '–'} /> },
  ],
};

/** Columns for messages in one state. Dead letters of one error show their arguments, others their error. */
export function messageColumns(state: MessageState, isOneError: boolean): readonly MessageColumn[] {
  if (state !== 'dead') return COLUMNS[state];
  return [...COLUMNS.dead, isOneError ? args : reason];
}
