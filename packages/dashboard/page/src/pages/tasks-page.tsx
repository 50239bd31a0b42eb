import type { TaskRow } from '../../../src/api/types.ts';
import { taskKey, tasks } from '../api/live-data.ts';
import { reasonAgainst } from '../api/session.ts';
import { useTopics } from '../api/use-topics.ts';
import { HistoryCharts } from '../charts/history-charts.tsx';
import { RangeAxis, RangeBar } from '../charts/range-bar.tsx';
import { Empty } from '../parts/empty.tsx';
import { Loading } from '../parts/failure.tsx';
import { Figure } from '../parts/figure.tsx';
import { FilterChip } from '../parts/filter-chip.tsx';
import { Head } from '../parts/head.tsx';
import { Percentile } from '../parts/percentile.tsx';
import { SearchField } from '../parts/search-field.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Text } from '../parts/text.tsx';
import { Time } from '../parts/time.tsx';
import { link, route, setQuery } from '../route/route.ts';
import { count, percent, rate } from '../text/number.ts';
import { MANY_FAILURES, queueLink } from './queue-columns.tsx';
import { RangeChoice } from './range-choice.tsx';
import { usualRange } from './ranges.ts';
import { Unreached } from './unreached.tsx';

/** Figures by task. With a task and a queue in the address, also its charts. */
export function TasksPage({ broker }: { broker: string }) {
  useTopics(broker, ['tasks']);
  const { q = '', task, queue = '', minutes = usualRange() } = route.value.query;
  const { at, rows, error } = tasks.value;
  const all = [...rows.values()];
  const matches = (row: TaskRow) =>
    `${row.task} ${row.queue} ${row.lastError?.error ?? ''}`.toLowerCase().includes(q.toLowerCase());
  const shown = all.filter((row) => (queue === '' || row.queue === queue) && matches(row));
  const reason = reasonAgainst('workers');
  return (
    <>
      <Head
        title={task ?? 'Tasks'}
        {...(task !== undefined && { path: [['Tasks', link([broker, 'tasks'])]] as const })}
      >
        {task === undefined ? null : <RangeChoice minutes={minutes} />}
        {task !== undefined ? null : (
          <>
            <FilterChip
              label="Queue"
              value={queue}
              known={[...new Set(all.map((row) => row.queue))]}
              onChange={(value) => setQuery({ queue: value })}
            />
            <SearchField
              label="Filter by task or error"
              value={q}
              onSearch={(text) => setQuery({ q: text }, { replace: true })}
            />
          </>
        )}
      </Head>
      {task === undefined ? null : (
        <HistoryCharts broker={broker} task={task} minutes={minutes} {...(queue !== '' && { queue })} />
      )}
      <section class="panel" aria-label="Tasks">
        {error === undefined ? null : <p class="errline">{error}</p>}
        {at === 0 ? (
          <Loading />
        ) : all.length === 0 && error !== undefined ? (
          <Unreached />
        ) : shown.length === 0 ? (
          <Empty icon="queue" title={all.length === 0 ? 'No worker has reported yet' : 'No task matches'}>
            <p>{reason ?? 'Figures by task come from the reports of living workers, every few seconds.'}</p>
          </Empty>
        ) : (
          <Table
            label="Tasks"
            columns={columns(broker)}
            rows={task === undefined ? shown : all.filter((row) => row.task === task)}
            keyOf={taskKey}
            order="-failed"
            class="tall-rows"
            href={(row) => link([broker, 'tasks'], { task: row.task, queue: row.queue })}
          />
        )}
      </section>
    </>
  );
}

function columns(broker: string): readonly Column<TaskRow>[] {
  return [
    {
      key: 'task',
      title: 'Task',
      label: '',
      class: 'name',
      sort: (row) => row.task,
      cell: (row) => (
        <>
          <a href={link([broker, 'tasks'], { task: row.task, queue: row.queue })}>
            <Text value={row.task} />
          </a>
          <span class="sub">
            <Text value={row.queue} />
          </span>
        </>
      ),
    },
    number('done', 'Done/s', (row) => row.done, rate),
    number(
      'failed',
      'Failed %',
      (row) => row.failed,
      percent,
      (share) => (share >= MANY_FAILURES ? 'warn' : ''),
    ),
    {
      key: 'range',
      title: <RangeAxis />,
      class: 'drop',
      cell: (row) => <RangeBar p50={row.run50} p95={row.run95} p99={row.run99} />,
    },
    percentile('run50', 'Run p50', (row) => row.run50, 'drop'),
    percentile('run95', 'Run p95', (row) => row.run95),
    percentile('run99', 'Run p99', (row) => row.run99, 'drop'),
    percentile('wait', 'Wait p95', (row) => row.wait95),
    number(
      'dead',
      'Died',
      (row) => row.totals.dead,
      count,
      () => 'deadn',
    ),
    {
      key: 'error',
      title: 'Last error',
      class: 'clip rest',
      cell: ({ lastError, queue, task }) =>
        lastError === undefined ? (
          <span class="zero">none seen</span>
        ) : (
          <>
            <a class="soft mono" href={queueLink(queue, 'dead', { task, group: lastError.error })}>
              <Text value={lastError.error} />
            </a>
            {lastError.at === undefined ? null : <Time class="sub" at={lastError.at} />}
          </>
        ),
    },
  ];
}

function percentile(
  key: string,
  title: string,
  value: (row: TaskRow) => number | undefined,
  extra = '',
): Column<TaskRow> {
  return {
    key,
    title,
    class: `num ${extra}`,
    descends: true,
    sort: value,
    cell: (row) => <Percentile inRow name={title} value={value(row)} />,
  };
}

function number(
  key: string,
  title: string,
  value: (row: TaskRow) => number | undefined,
  text: (value: number) => string,
  tone?: (value: number) => string,
): Column<TaskRow> {
  return {
    key,
    title,
    class: 'num',
    descends: true,
    sort: value,
    cell: (row) => {
      const given = value(row);
      return <Figure value={given} text={text} {...(tone && given !== undefined && { tone: tone(given) })} />;
    },
  };
}
