import type { QueueRow } from '../../../src/api/types.ts';
import { pause, resume } from '../actions/queue-actions.ts';
import { now } from '../api/clock.ts';
import { broker, mayOperate, reasonAgainst } from '../api/session.ts';
import { SlotsBar, Spark } from '../charts/spark.tsx';
import { Button } from '../parts/button.tsx';
import { Figure, Unknown } from '../parts/figure.tsx';
import { Icon } from '../parts/icon.tsx';
import { Percentile } from '../parts/percentile.tsx';
import { Pill } from '../parts/pill.tsx';
import type { Column } from '../parts/table.tsx';
import { Text } from '../parts/text.tsx';
import { Tip } from '../parts/tip.tsx';
import { link } from '../route/route.ts';
import { age, duration } from '../text/duration.ts';
import { percent, rate } from '../text/number.ts';

/** A message that waits longer than this is worth a look. */
export const LONG_WAIT_MS = 60_000;
/** Share of failed attempts that is worth a look. */
export const MANY_FAILURES = 0.05;

/** Page of a queue, with one of its tabs. */
export function queueLink(queue: string, tab?: string, query?: Record<string, string | undefined>): string {
  return link([broker.value?.name ?? '', 'queues', queue, ...(tab === undefined ? [] : [tab])], query);
}

/** Columns of a table of queues. */
export function queueColumns(): readonly Column<QueueRow>[] {
  const columns: readonly Column<QueueRow>[] = [
    {
      key: 'name',
      title: 'Queue',
      label: '',
      class: 'name',
      cell: (row) => <Name row={row} />,
      sort: (row) => row.name,
    },
    { key: 'trend', title: 'Ready, 1 h', class: 'drop', cell: ({ trend }) => <Spark values={trend} /> },
    number('ready', 'Ready', (row) => row.counts.ready),
    {
      key: 'oldest',
      title: 'Oldest',
      class: 'num',
      descends: true,
      sort: (row) => row.oldestMs,
      cell: (row) => <Oldest row={row} />,
    },
    number('delayed', 'Delayed', (row) => row.counts.delayed),
    {
      key: 'running',
      title: 'Running',
      class: 'num',
      descends: true,
      sort: (row) => row.counts.running,
      cell: (row) => <Running row={row} />,
    },
    number('done', 'Done/s', (row) => row.done, { text: rate }),
    number('failed', 'Failed %', (row) => row.failed, {
      text: percent,
      tone: (share) => (share >= MANY_FAILURES ? 'warn' : ''),
    }),
    {
      key: 'wait',
      title: 'Wait p95',
      class: 'num',
      descends: true,
      sort: (row) => row.wait95,
      cell: (row) => <Percentile inRow name="Wait p95" value={row.wait95} />,
    },
    number('dead', 'Dead', (row) => row.counts.dead, { tone: () => 'deadn' }),
    {
      key: 'workers',
      title: 'Workers',
      class: 'num drop',
      descends: true,
      sort: (row) => row.workers ?? row.consumers,
      cell: (row) => <Workers row={row} />,
    },
  ];
  if (!mayOperate.value) return columns;
  return [
    ...columns,
    {
      key: 'actions',
      title: <span class="sr">Actions</span>,
      class: 'num corner',
      cell: ({ name, paused }) =>
        paused === true ? (
          <Button small onClick={() => resume(name)}>
            Resume
          </Button>
        ) : (
          <Button small look="bare" reason={reasonAgainst('pause')} onClick={() => pause(name)}>
            Pause
          </Button>
        ),
    },
  ];
}

function number(
  key: string,
  title: string,
  value: (row: QueueRow) => number | undefined,
  { text, tone }: { text?: (value: number) => string; tone?: (value: number) => string } = {},
): Column<QueueRow> {
  return {
    key,
    title,
    class: 'num',
    descends: true,
    sort: value,
    cell: (row) => {
      const given = value(row);
      return (
        <Figure value={given} {...(text && { text })} {...(tone && given !== undefined && { tone: tone(given) })} />
      );
    },
  };
}

function Name({ row: { name, paused, error } }: { row: QueueRow }) {
  return (
    <>
      <a href={queueLink(name)}>
        <Text value={name} />
      </a>
      {paused === true ? <Pill state="paused">Paused</Pill> : null}
      {error === undefined ? null : (
        <Tip inRow tip={error.message} class="tip pill failed">
          <Icon name="failed" />
          Not read
        </Tip>
      )}
    </>
  );
}

function Oldest({ row: { oldestMs, counts } }: { row: QueueRow }) {
  const reason = reasonAgainst('oldest');
  if (oldestMs === undefined && reason !== undefined && counts.ready !== 0) return <Unknown inRow reason={reason} />;
  return <Figure value={oldestMs} text={duration} tone={(oldestMs ?? 0) > LONG_WAIT_MS ? 'warn' : ''} />;
}

function Running({ row: { counts, slots, asOf } }: { row: QueueRow }) {
  const { running } = counts;
  if (running === undefined) return <Figure value={undefined} />;
  const text = slots === undefined ? String(running) : `${running}/${slots}`;
  return (
    <span class="inline end">
      {slots === undefined || slots === 0 ? null : <SlotsBar busy={running} slots={slots} />}
      <span class={running === 0 ? 'v zero' : 'v'}>
        {asOf.running === undefined ? (
          text
        ) : (
          <Tip
            inRow
            class="tip inexact"
            tip={`Running: the sum of the workers’ reports, as of ${age(now.value - asOf.running)} ago.`}
          >
            {text}
          </Tip>
        )}
      </span>
    </span>
  );
}

function Workers({ row: { workers, consumers, counts } }: { row: QueueRow }) {
  const known = workers ?? consumers;
  if (known === 0 && (counts.ready ?? 0) > 0) {
    return (
      <Tip inRow tip="Messages wait, and no worker serves this queue." class="tip warn inline">
        <Icon name="failed" />0
      </Tip>
    );
  }
  return <Figure value={known} />;
}
