import type { Listed, ScheduleRow } from '../../../src/api/types.ts';
import { brokerPath, change, perform } from '../actions/perform.ts';
import { apiUrl } from '../api/client.ts';
import { now } from '../api/clock.ts';
import { mayOperate, reasonAgainst } from '../api/session.ts';
import { useTopics } from '../api/use-topics.ts';
import { useResource } from '../api/use-resource.ts';
import { Button } from '../parts/button.tsx';
import { ask } from '../parts/dialog.tsx';
import { Empty } from '../parts/empty.tsx';
import { Failure, Loading } from '../parts/failure.tsx';
import { Head } from '../parts/head.tsx';
import { Pill } from '../parts/pill.tsx';
import { SearchField } from '../parts/search-field.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Text } from '../parts/text.tsx';
import { Time } from '../parts/time.tsx';
import { Tip } from '../parts/tip.tsx';
import { route, setQuery } from '../route/route.ts';
import { timeInZone } from '../text/clock-time.ts';
import { relative } from '../text/duration.ts';
import { count } from '../text/number.ts';

/** Jobs of the schedulers that this dashboard knows. */
export function SchedulesPage({ broker }: { broker: string }) {
  useTopics(broker, []);
  const { q = '' } = route.value.query;
  const schedules = useResource<Listed<ScheduleRow>>(apiUrl([broker, 'schedules']), 5_000);
  const all = schedules.data?.items ?? [];
  const shown = all.filter(({ id, task, scheduler }) =>
    `${id} ${task} ${scheduler}`.toLowerCase().includes(q.toLowerCase()),
  );
  return (
    <>
      <Head title="Schedules" beside={all.length === 0 ? undefined : <span class="n">{count(all.length)}</span>}>
        <SearchField
          label="Filter by job or task"
          value={q}
          onSearch={(text) => setQuery({ q: text }, { replace: true })}
        />
      </Head>
      <section class="panel" aria-label="Schedules">
        {schedules.error === undefined ? null : <Failure error={schedules.error} onRetry={schedules.reload} />}
        {schedules.data === undefined ? (
          schedules.error === undefined ? (
            <Loading />
          ) : null
        ) : shown.length === 0 ? (
          <Empty icon="calendar" title={all.length === 0 ? 'No schedule is known here' : 'No job matches'}>
            <p>{reasonAgainst('schedules') ?? 'Jobs appear here when a scheduler is given to this dashboard.'}</p>
          </Empty>
        ) : (
          <Table
            label="Schedules"
            class="tall-rows"
            columns={columns()}
            rows={shown}
            keyOf={(row) => `${row.scheduler} ${row.id}`}
            order="next"
          />
        )}
      </section>
    </>
  );
}

function columns(): readonly Column<ScheduleRow>[] {
  const list: readonly Column<ScheduleRow>[] = [
    {
      key: 'id',
      title: 'Job',
      label: '',
      class: 'name',
      sort: (row) => row.id,
      cell: ({ id, scheduler, paused }) => (
        <>
          <b>
            <Text value={id} />
          </b>
          {paused ? <Pill state="paused">Paused</Pill> : null}
          <span class="sub">
            <Text value={scheduler} />
          </span>
        </>
      ),
    },
    { key: 'task', title: 'Task', class: 'half', sort: (row) => row.task, cell: ({ task }) => <Text value={task} /> },
    {
      key: 'trigger',
      title: 'When',
      class: 'half',
      cell: ({ trigger, timezone }) => (
        <>
          <code>
            <Text value={trigger} />
          </code>
          <span class="sub">{timezone ?? ''}</span>
        </>
      ),
    },
    {
      key: 'next',
      title: 'Next run',
      class: 'half',
      sort: (row) => (row.paused ? undefined : row.next[0]),
      cell: (row) => <Next row={row} />,
    },
    {
      key: 'then',
      title: 'Then',
      class: 'drop',
      cell: (row) => <Then row={row} />,
    },
    {
      key: 'last',
      title: 'Last tick',
      class: 'half',
      descends: true,
      sort: (row) => row.lastAt,
      cell: ({ lastAt }) => (lastAt === undefined ? <span class="zero">unknown</span> : <Time at={lastAt} />),
    },
  ];
  return mayOperate.value
    ? [...list, { key: 'actions', title: <span class="sr">Actions</span>, class: 'num full', cell: JobActions }]
    : list;
}

const zoneOf = ({ timezone }: ScheduleRow) => timezone ?? 'UTC';

function Next({ row }: { row: ScheduleRow }) {
  const [next] = row.next;
  if (row.paused) return <span class="zero">paused</span>;
  if (next === undefined) return <span class="zero">no more</span>;
  return (
    <>
      <Time at={next} />
      <span class="sub">
        {timeInZone(next, zoneOf(row))} {zoneOf(row)}
      </span>
    </>
  );
}

function Then({ row }: { row: ScheduleRow }) {
  const [, ...then] = row.next;
  const [second] = then;
  if (second === undefined || row.paused) return <span class="zero">–</span>;
  const all = then.map((at) => timeInZone(at, zoneOf(row))).join(' · ');
  return (
    <Tip inRow tip={`${all} (${zoneOf(row)})`} class="tip cannot">
      {relative(second, now.value)}
    </Tip>
  );
}

function JobActions({ id, paused, task }: ScheduleRow) {
  const path = (what: string) => brokerPath('schedules', id, what);
  return (
    <span class="inline end">
      <Button
        look="bare"
        small
        onClick={() =>
          ask({
            title: `Run ${id} now?`,
            text: `It sends ${task} once, beside its schedule.`,
            confirm: 'Run now',
            run: () => change(path('run'), {}, () => `Sent ${task}.`),
          })
        }
      >
        Run now…
      </Button>
      {paused ? (
        <Button small onClick={() => void perform(path('resume'), {}, () => `Resumed ${id}.`)}>
          Resume
        </Button>
      ) : (
        <Button look="bare" small onClick={() => void perform(path('pause'), {}, () => `Paused ${id}.`)}>
          Pause
        </Button>
      )}
    </span>
  );
}
