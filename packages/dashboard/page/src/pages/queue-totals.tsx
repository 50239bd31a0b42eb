import type { QueueRow } from '../../../src/api/types.ts';
import { reasonAgainst } from '../api/session.ts';
import { AsOf, Unknown } from '../parts/figure.tsx';
import { Percentile, percentileText } from '../parts/percentile.tsx';
import { type Total, Totals } from '../parts/totals.tsx';
import { duration } from '../text/duration.ts';
import { count, percent, rate } from '../text/number.ts';
import { MANY_FAILURES } from './queue-columns.tsx';

const SUM = 'The sum of the workers’ reports: this server does not count running messages.';
const REPORTS = 'By the reports of workers.';
const DELAYED = 'Counting delayed messages is expensive on this server, so it is done once a minute.';

/** The figures above a queue's page, each with where it comes from. */
export function QueueTotals({ row }: { row: QueueRow }) {
  return <Totals small items={totalsOf(row)} />;
}

function totalsOf(row: QueueRow): readonly Total[] {
  const { counts, asOf, oldestMs, done, failed, wait95, wait50, slots, workers, consumers, obeying, paused } = row;
  const oldestReason = reasonAgainst('oldest');
  const reports =
    asOf.reports === undefined ? undefined : (
      <AsOf at={asOf.reports} why={REPORTS}>
        reports,
      </AsOf>
    );
  const served = workers ?? consumers;
  return [
    { name: 'Ready', icon: 'ready', value: figure(counts.ready), note: 'exact' },
    {
      name: 'Oldest',
      value:
        oldestMs === undefined && oldestReason !== undefined && counts.ready !== 0 ? (
          <Unknown reason={oldestReason} />
        ) : (
          figure(oldestMs, duration)
        ),
      note: oldestMs !== undefined ? 'of the ready ones' : counts.ready === 0 ? 'nothing waits' : 'cannot be known',
    },
    {
      name: 'Delayed',
      icon: 'delayed',
      value: figure(counts.delayed),
      note: asOf.delayed === undefined ? 'exact' : <AsOf at={asOf.delayed} why={DELAYED} />,
    },
    {
      name: 'Running',
      icon: 'running',
      value: figure(counts.running),
      note:
        asOf.running !== undefined ? (
          <AsOf at={asOf.running} why={SUM}>
            reports,
          </AsOf>
        ) : slots === undefined ? undefined : (
          `of ${count(slots)} slots`
        ),
    },
    {
      name: 'Done',
      icon: 'succeeded',
      value: figure(done, rate),
      ...(done !== undefined && { unit: '/s' }),
      note: reports ?? 'last minute',
    },
    {
      name: 'Failed',
      icon: 'failed',
      tone: (failed ?? 0) >= MANY_FAILURES ? 'failed' : 'muted',
      value: figure(failed, percent),
      ...(failed !== undefined && { unit: '%' }),
      note: failed === undefined ? 'no attempt ended' : 'of attempts',
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
      value: figure(counts.dead),
      note: 'exact',
    },
    {
      name: 'Workers',
      value: served === 0 ? <span class="warn">0</span> : figure(served),
      note: workersNote(paused === true ? obeying : undefined, workers, served),
    },
  ];
}

function workersNote(obeying: number | undefined, workers: number | undefined, served: number | undefined): string {
  if (served === 0) return 'nothing takes these';
  if (obeying !== undefined && workers !== undefined) return `${obeying} of ${workers} obey`;
  return workers === undefined ? 'consumers, by the server' : 'by their reports';
}

function figure(value: number | undefined, text: (value: number) => string = count) {
  return value === undefined ? <span class="zero">–</span> : text(value);
}
