import type { WorkerRow } from '../../../src/api/types.ts';
import { askToAbort } from '../actions/message-actions.ts';
import { askToQuiet, unquiet } from '../actions/worker-actions.ts';
import { now } from '../api/clock.ts';
import { workers } from '../api/live-data.ts';
import { mayOperate, reasonAgainst } from '../api/session.ts';
import { useTopics } from '../api/use-topics.ts';
import { SlotsBar } from '../charts/spark.tsx';
import { Button } from '../parts/button.tsx';
import { Choice } from '../parts/choice.tsx';
import { Empty } from '../parts/empty.tsx';
import { Loading } from '../parts/failure.tsx';
import { Head } from '../parts/head.tsx';
import { Icon } from '../parts/icon.tsx';
import { Pill } from '../parts/pill.tsx';
import { SearchField } from '../parts/search-field.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Text } from '../parts/text.tsx';
import { Time } from '../parts/time.tsx';
import { Totals } from '../parts/totals.tsx';
import { link, route, setQuery } from '../route/route.ts';
import { duration } from '../text/duration.ts';
import { bytes, count } from '../text/number.ts';
import { messageLink } from './message-columns.tsx';
import { queueLink } from './queue-columns.tsx';
import { Unreached } from './unreached.tsx';
import { workerTotals } from './worker-totals.ts';

/** Delay of the event loop that is worth a look. */
const BLOCKED_MS = 100;
/** Up to this many workers, each shows what it runs without a click. */
const FEW = 5;
/** Running tasks that such a worker shows before the others are asked for. */
const SHOWN = 3;

const STATES = [
  ['', 'any'],
  ['busy', 'busy'],
  ['quiet', 'quiet'],
  ['silent', 'silent'],
] as const;

/** The living workers of every host, and what they run. */
export function WorkersPage({ broker }: { broker: string }) {
  useTopics(broker, ['workers']);
  const { q = '', state = '' } = route.value.query;
  const { at, rows, error } = workers.value;
  const all = [...rows.values()];
  const reason = reasonAgainst('workers');
  const matches = ({ id, host, queues }: WorkerRow) =>
    `${id} ${host} ${queues.map(({ name }) => name).join(' ')}`.toLowerCase().includes(q.toLowerCase());
  const shown = all.filter((row) => matches(row) && isIn(row, state));
  return (
    <>
      <Head title="Workers">
        <Choice label="State" value={state} options={STATES} onChange={(value) => setQuery({ state: value })} />
        <SearchField
          label="Filter by id, host or queue"
          value={q}
          onSearch={(text) => setQuery({ q: text }, { replace: true })}
        />
      </Head>
      {all.length === 0 ? null : <Totals items={workerTotals(all)} />}
      <section class="panel" aria-label="Workers">
        {error === undefined ? null : <p class="errline">{error}</p>}
        {at === 0 ? (
          <Loading />
        ) : all.length === 0 && error !== undefined ? (
          <Unreached />
        ) : shown.length === 0 ? (
          <Empty icon="plug" title={all.length === 0 ? 'No worker reports' : 'No worker matches'}>
            <p>{reason ?? 'A worker appears within seconds of its start, and leaves 35 s after its last report.'}</p>
          </Empty>
        ) : (
          <>
            <Table
              label="Workers"
              columns={columns(broker)}
              rows={shown}
              keyOf={(row) => row.id}
              order="id"
              class="tall-rows"
              below={(row) => {
                const isOpen = route.value.query.open === row.id;
                if (row.runningCount === 0 || !(isOpen || shown.length <= FEW)) return undefined;
                return <Running broker={broker} row={row} isOpen={isOpen} />;
              }}
            />
            <p class="foot">Messages of a silent worker go to another one.</p>
          </>
        )}
      </section>
    </>
  );
}

function isIn(row: WorkerRow, state: string): boolean {
  if (state === 'busy') return row.runningCount > 0;
  if (state === 'quiet') return row.state === 'quiet';
  return state === 'silent' ? row.silent === true : true;
}

function columns(broker: string): readonly Column<WorkerRow>[] {
  const list: readonly Column<WorkerRow>[] = [
    {
      key: 'id',
      title: 'Worker',
      label: '',
      class: 'name',
      sort: (row) => row.id,
      cell: (row) => (
        <>
          <b>
            <Text value={row.id} />
          </b>
          {row.state === 'running' ? null : <Pill state="plain">{row.state === 'quiet' ? 'Quiet' : 'Stopping'}</Pill>}
          {row.silent === true ? <Pill state="failed">Silent</Pill> : null}
          {row.suspect === undefined ? null : <Pill state="failed">Suspect runs alone</Pill>}
          <span class="sub">
            <Text value={row.host} /> · {row.pid}
          </span>
        </>
      ),
    },
    {
      key: 'queues',
      title: 'Queues',
      class: 'half wrap',
      cell: ({ queues, paused }) =>
        queues.map(({ name, weight }, index) => (
          <span key={name} class="soft">
            {index === 0 ? '' : ', '}
            <a class="soft" href={queueLink(name)}>
              <Text value={name} />
            </a>
            {weight === 1 ? '' : ` ×${weight}`}
            {paused.includes(name) ? ' (paused)' : ''}
          </span>
        )),
    },
    {
      key: 'slots',
      title: 'Slots',
      class: 'num',
      descends: true,
      sort: (row) => row.runningCount / Math.max(1, row.slots),
      cell: (row) => <Slots broker={broker} row={row} />,
    },
    number('uptime', 'Uptime', (row) => now.value - row.startedAt, duration),
    number('memory', 'Memory', (row) => row.rssBytes, bytes),
    number(
      'loop',
      'Loop delay',
      (row) => row.loopDelayMs,
      duration,
      (ms) => (ms >= BLOCKED_MS ? 'warn' : ''),
    ),
    {
      key: 'version',
      title: 'Version',
      class: 'num drop',
      sort: (row) => row.version,
      cell: ({ version }) => <span class="soft">{version}</span>,
    },
    {
      key: 'report',
      title: 'Last report',
      class: 'num',
      sort: (row) => row.reportedAt,
      cell: (row) => <Time class={row.silent === true ? 'warn' : ''} at={row.reportedAt} />,
    },
  ];
  return mayOperate.value
    ? [...list, { key: 'actions', title: <span class="sr">Actions</span>, class: 'num corner', cell: QuietButton }]
    : list;
}

/** Busy slots; a click shows what runs in them, and another one hides it. */
function Slots({ broker, row: { id, runningCount, slots } }: { broker: string; row: WorkerRow }) {
  const { query } = route.value;
  const isOpen = query.open === id;
  return (
    <span class="inline end">
      <SlotsBar busy={runningCount} slots={slots} />
      <span class="v">
        {runningCount === 0 ? (
          `0/${slots}`
        ) : (
          <a
            href={link([broker, 'workers'], { ...query, open: isOpen ? undefined : id })}
            aria-expanded={isOpen}
            aria-label={`${runningCount} of ${slots} slots of ${id} run: ${isOpen ? 'hide' : 'show'} them`}
          >
            {runningCount}/{slots}
          </a>
        )}
      </span>
    </span>
  );
}

function QuietButton({ id, state, runningCount }: WorkerRow) {
  if (state === 'stopping') return null;
  return state === 'quiet' ? (
    <Button small onClick={() => unquiet(id)}>
      Take again
    </Button>
  ) : (
    <Button small look="bare" reason={reasonAgainst('quiet')} onClick={() => askToQuiet(id, runningCount)}>
      Quiet…
    </Button>
  );
}

function number(
  key: string,
  title: string,
  value: (row: WorkerRow) => number,
  text: (value: number) => string,
  tone?: (value: number) => string,
): Column<WorkerRow> {
  return {
    key,
    title,
    class: 'num',
    descends: true,
    sort: value,
    cell: (row) => <span class={tone?.(value(row)) ?? ''}>{text(value(row))}</span>,
  };
}

function Running({ broker, row, isOpen }: { broker: string; row: WorkerRow; isOpen: boolean }) {
  const { query } = route.value;
  const shown = isOpen ? row.running : row.running.slice(0, SHOWN);
  const hidden = row.runningCount - shown.length;
  return (
    <ul class="nest" aria-label={`Running on ${row.id}`}>
      {shown.map(({ id, queue, task, startedAt, attempt }) => (
        <li key={id}>
          <span class="inline">
            <Icon name="running" tone="running" />
            <a class="mono" href={messageLink(queue, id)}>
              <Text value={id} />
            </a>
          </span>
          <span>
            <Text value={task} />
          </span>
          <Time class="num" at={startedAt}>
            {duration(Math.max(0, row.reportedAt - startedAt))}
          </Time>
          <span class="muted">attempt {attempt}</span>
          <span class="muted">
            <Text value={queue} />
          </span>
          {mayOperate.value ? (
            <Button
              small
              look="bare"
              label={`Cancel ${id}`}
              reason={reasonAgainst('cancelRunning')}
              onClick={() => askToAbort(queue, [{ id, task, startedAt, worker: row.id }])}
            >
              Cancel…
            </Button>
          ) : null}
        </li>
      ))}
      {hidden > 0 && !isOpen ? (
        <li>
          <a href={link([broker, 'workers'], { ...query, open: row.id })}>{count(hidden)} more</a>
        </li>
      ) : null}
    </ul>
  );
}
