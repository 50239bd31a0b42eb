import type { QueueRow } from '../../../src/api/types.ts';
import { queues } from '../api/live-data.ts';
import { useTopics } from '../api/use-topics.ts';
import { Choice } from '../parts/choice.tsx';
import { Empty } from '../parts/empty.tsx';
import { Loading } from '../parts/failure.tsx';
import { Head } from '../parts/head.tsx';
import { SearchField } from '../parts/search-field.tsx';
import { Table } from '../parts/table.tsx';
import { route, setQuery } from '../route/route.ts';
import { count } from '../text/number.ts';
import { NoQueues } from './no-queues.tsx';
import { queueColumns, queueLink } from './queue-columns.tsx';
import { Unreached } from './unreached.tsx';

const STATES = [
  ['', 'any'],
  ['paused', 'paused'],
  ['unserved', 'without a worker'],
  ['waiting', 'with ready messages'],
  ['dead', 'with dead messages'],
] as const;

/** Every queue of the broker. */
export function QueuesPage({ broker }: { broker: string }) {
  useTopics(broker, ['queues']);
  const { q = '', state = '' } = route.value.query;
  const { at, rows, error } = queues.value;
  const all = [...rows.values()];
  const isKnown = all.length > 0 || (at > 0 && error === undefined);
  const shown = all.filter((row) => row.name.toLowerCase().includes(q.toLowerCase()) && isIn(row, state));
  return (
    <>
      <Head title="Queues" beside={isKnown ? <span class="n">{count(all.length)}</span> : undefined}>
        <Choice label="State" value={state} options={STATES} onChange={(value) => setQuery({ state: value })} />
        <SearchField label="Filter queues" value={q} onSearch={(text) => setQuery({ q: text }, { replace: true })} />
      </Head>
      <section class="panel" aria-label="Queues">
        {error === undefined ? null : <p class="errline">{error}</p>}
        {at === 0 ? (
          <Loading />
        ) : all.length === 0 ? (
          error === undefined ? (
            <NoQueues />
          ) : (
            <Unreached />
          )
        ) : shown.length === 0 ? (
          <Empty icon="search" title="No queue matches">
            <a href={`#/${encodeURIComponent(broker)}/queues`}>Show all {count(all.length)}</a>
          </Empty>
        ) : (
          <Table
            label="Queues"
            columns={queueColumns()}
            rows={shown}
            keyOf={(row) => row.name}
            order="name"
            href={(row) => queueLink(row.name)}
          />
        )}
      </section>
    </>
  );
}

function isIn({ paused, workers, consumers, counts }: QueueRow, state: string): boolean {
  if (state === 'paused') return paused === true;
  if (state === 'unserved') return (workers ?? consumers) === 0;
  if (state === 'waiting') return (counts.ready ?? 0) > 0;
  if (state === 'dead') return (counts.dead ?? 0) > 0;
  return true;
}
