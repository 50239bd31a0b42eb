import type { Overview, QueueRow } from '../../../src/api/types.ts';
import { overview, queues } from '../api/live-data.ts';
import { reasonAgainst } from '../api/session.ts';
import { useTopics } from '../api/use-topics.ts';
import { HistoryCharts } from '../charts/history-charts.tsx';
import { Loading } from '../parts/failure.tsx';
import { AsOf, Unknown } from '../parts/figure.tsx';
import { Head } from '../parts/head.tsx';
import { Panel } from '../parts/panel.tsx';
import { Percentile, percentileText } from '../parts/percentile.tsx';
import { SearchField } from '../parts/search-field.tsx';
import { Table } from '../parts/table.tsx';
import { Text } from '../parts/text.tsx';
import { type Total, Totals } from '../parts/totals.tsx';
import { link, route, setQuery } from '../route/route.ts';
import { duration } from '../text/duration.ts';
import { count, percent, plural, rate } from '../text/number.ts';
import { deadNote } from './dead-note.ts';
import { NoQueues } from './no-queues.tsx';
import { LONG_WAIT_MS, MANY_FAILURES, queueColumns, queueLink } from './queue-columns.tsx';
import { RangeChoice } from './range-choice.tsx';
import { usualRange } from './ranges.ts';
import { Unreached } from './unreached.tsx';
import { Warnings } from './warnings.tsx';

/** Queues that the overview shows; the others are a link away. */
const SHOWN = 20;

/** The state of a broker, in five seconds. */
export function OverviewPage({ broker }: { broker: string }) {
  useTopics(broker, ['queues']);
  const { minutes = usualRange(), q = '' } = route.value.query;
  const whole = overview.value;
  const { at, rows } = queues.value;
  if (whole === undefined) {
    return (
      <>
        <Head title="Overview" />
        <Loading />
      </>
    );
  }
  if (at > 0 && rows.size === 0) {
    return (
      <>
        <Head title="Overview" />
        <section class="panel">{whole.error === undefined ? <NoQueues /> : <Unreached />}</section>
      </>
    );
  }
  const matching = [...rows.values()].filter(({ name }) => name.toLowerCase().includes(q.toLowerCase()));
  const shown = matching.sort((a, b) => urgency(b) - urgency(a) || a.name.localeCompare(b.name)).slice(0, SHOWN);
  return (
    <>
      <Head title="Overview">
        <RangeChoice minutes={minutes} />
      </Head>
      <Totals items={totalsOf(whole)} />
      <Warnings whole={whole} />
      <HistoryCharts broker={broker} minutes={minutes} />
      <Panel
        title="Queues"
        note={count(rows.size)}
        actions={
          <SearchField label="Filter queues" value={q} onSearch={(text) => setQuery({ q: text }, { replace: true })} />
        }
        footer={
          matching.length > shown.length ? (
            <a href={link([broker, 'queues'], { q })}>All {count(matching.length)} queues</a>
          ) : undefined
        }
      >
        <Table
          label="Queues"
          columns={queueColumns()}
          rows={shown}
          keyOf={(row) => row.name}
          href={(row) => queueLink(row.name)}
        />
      </Panel>
    </>
  );
}

/** Queues with trouble come first: unserved, dead and failing, paused, waiting. */
function urgency(row: QueueRow): number {
  const { counts, paused, failed = 0, oldestMs = 0 } = row;
  const isUnserved = (row.workers ?? row.consumers) === 0 && (counts.ready ?? 0) > 0;
  return (
    Number(row.error !== undefined) * 64 +
    Number(isUnserved) * 32 +
    Number(failed >= MANY_FAILURES) * 16 +
    Number(paused === true) * 8 +
    Number((counts.dead ?? 0) > 0) * 4 +
    Number(oldestMs > LONG_WAIT_MS) * 2 +
    Number((counts.ready ?? 0) > 0)
  );
}

const BY_REPORTS = 'By the reports of workers.';

function totalsOf(whole: Overview): readonly Total[] {
  const { counts, asOf, readyPaused = 0, oldestMs, oldestQueue, done, failed, wait50, wait95 } = whole;
  const reported =
    asOf.reports === undefined ? undefined : (
      <AsOf at={asOf.reports} why={BY_REPORTS}>
        reports,
      </AsOf>
    );
  const oldestReason = reasonAgainst('oldest');
  return [
    {
      name: 'Ready',
      icon: 'ready',
      value: known(counts.ready, count),
      note:
        readyPaused > 0
          ? `${count(readyPaused)} of them paused`
          : whole.queues && `in ${plural(whole.queues, 'queue')}`,
    },
    {
      name: 'Oldest',
      value:
        oldestMs === undefined && oldestReason !== undefined ? (
          <Unknown reason={oldestReason} />
        ) : (
          known(oldestMs, duration)
        ),
      note:
        oldestQueue === undefined ? (
          'ready message'
        ) : (
          <a class={(oldestMs ?? 0) > LONG_WAIT_MS ? 'warn' : 'soft'} href={queueLink(oldestQueue, 'ready')}>
            <Text value={oldestQueue} />
          </a>
        ),
    },
    {
      name: 'Done',
      icon: 'succeeded',
      value: known(done, rate),
      unit: '/s',
      note:
        whole.slots === undefined ? reported : `${count(counts.running ?? 0)} of ${plural(whole.slots, 'slot')} busy`,
    },
    {
      name: 'Failed',
      icon: 'failed',
      tone: (failed ?? 0) >= 0.01 ? 'failed' : 'muted',
      value: known(failed, percent),
      ...(failed !== undefined && { unit: '%' }),
      note: failed === undefined ? 'no attempt ended' : (reported ?? 'of attempts, last minute'),
    },
    {
      name: 'Wait p95',
      value: <Percentile name="Wait p95" value={wait95} />,
      note: wait50 === undefined ? 'nothing starts' : `p50 ${percentileText(wait50)}`,
    },
    {
      name: 'Dead',
      icon: 'dead',
      tone: (counts.dead ?? 0) > 0 ? 'dead' : 'muted',
      value: known(counts.dead, count),
      note: <DeadChange whole={whole} />,
    },
  ];
}

function DeadChange({ whole }: { whole: Overview }) {
  const note = deadNote(whole);
  if (note === undefined) return null;
  return (
    <>
      {note.change === undefined ? null : <b class={(whole.deadAdded ?? 0) > 0 ? 'deadn' : ''}>{note.change} </b>}
      {note.text}
    </>
  );
}

function known(value: number | undefined, text: (value: number) => string) {
  return value === undefined ? <span class="zero">–</span> : text(value);
}
