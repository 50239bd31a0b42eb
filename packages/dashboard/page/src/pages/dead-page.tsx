import type { BulkRequest, DeadGroup, DeadGroups } from '../../../src/api/types.ts';
import { askForBulk } from '../actions/bulk-actions.ts';
import { AGES, sinceOf } from '../actions/letter-filter.ts';
import { apiUrl } from '../api/client.ts';
import { barsRange, DeathBars } from '../charts/death-bars.tsx';
import { now } from '../api/clock.ts';
import { mayOperate } from '../api/session.ts';
import { useTopics } from '../api/use-topics.ts';
import { useResource } from '../api/use-resource.ts';
import { Button } from '../parts/button.tsx';
import { Choice } from '../parts/choice.tsx';
import { Empty } from '../parts/empty.tsx';
import { Failure, Loading } from '../parts/failure.tsx';
import { FilterChip } from '../parts/filter-chip.tsx';
import { Head } from '../parts/head.tsx';
import { SearchField } from '../parts/search-field.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { Text } from '../parts/text.tsx';
import { Time } from '../parts/time.tsx';
import { link, route, setQuery } from '../route/route.ts';
import { count, plural } from '../text/number.ts';
import { queueLink } from './queue-columns.tsx';

/** Dead letters of all queues, by queue, task and error. */
export function DeadPage({ broker }: { broker: string }) {
  useTopics(broker, ['queues']);
  const { queue = '', task = '', error = '', since = '' } = route.value.query;
  const url = apiUrl([broker, 'dead', 'groups'], { queue, task, error, since: sinceOf(since, now.peek()) });
  const groups = useResource<DeadGroups>(url, 10_000);
  const { data } = groups;
  const items = data?.items ?? [];
  const isFiltered = [queue, task, error, since].some((value) => value !== '');
  const names = (pick: (group: DeadGroup) => string) => [...new Set(items.map(pick))];
  return (
    <>
      <Head
        title="Dead letters"
        beside={data?.total === undefined ? undefined : <span class="n">{count(data.total)}</span>}
      />
      <section class="panel" aria-label="Dead letters">
        <div class="filters">
          <div class="chips">
            <FilterChip
              label="Queue"
              value={queue}
              known={names((group) => group.queue)}
              onChange={(value) => setQuery({ queue: value })}
            />
            <FilterChip
              label="Task"
              value={task}
              known={names((group) => group.task)}
              onChange={(value) => setQuery({ task: value })}
            />
            <Choice label="Died" value={since} options={AGES} onChange={(value) => setQuery({ since: value })} />
          </div>
          <SearchField
            label="Text of the error"
            value={error}
            onSearch={(value) => setQuery({ error: value }, { replace: true })}
          />
        </div>
        {groups.error === undefined ? null : <Failure error={groups.error} onRetry={groups.reload} />}
        {data === undefined ? (
          groups.error === undefined ? (
            <Loading />
          ) : null
        ) : (
          <>
            <div class="count-line" role="status">
              <span>
                Looked at {count(data.looked)}
                {data.total === undefined ? '' : ` of ${count(data.total)}`} · <b>{plural(items.length, 'group')}</b>
              </span>
              {data.asOf === undefined ? null : (
                <span class="end">
                  as of a look <Time at={data.asOf} />: look again on the page of the queue
                </span>
              )}
              {data.total !== undefined && data.total > data.looked && data.unseen.length === 0 ? (
                <span class="end">The groups are of the newest letters: the numbers may be higher.</span>
              ) : null}
            </div>
            {items.length > 0 ? (
              <Table
                label="Dead letters by queue, task and error"
                class="lean"
                columns={columns(data)}
                rows={items}
                keyOf={(group) => `${group.queue} ${group.task} ${group.error}`}
                order="-count"
                href={hrefOf}
              />
            ) : data.unseen.length > 0 ? null : isFiltered ? (
              <Empty icon="search" title="No dead letter matches">
                <p>
                  <a href={link([broker, 'dead'])}>Remove the filters</a>
                </p>
              </Empty>
            ) : (
              <Empty icon="succeeded" title="Nothing is dead">
                <p>
                  A message comes here when its last attempt fails, or when it fails in a way that no retry can help.
                </p>
              </Empty>
            )}
            <Unseen unseen={data.unseen} />
          </>
        )}
      </section>
    </>
  );
}

function hrefOf({ queue, task, error }: DeadGroup): string {
  const { since } = route.value.query;
  return queueLink(queue, 'dead', { task, group: error, since });
}

function columns({ barMs, items, at, asOf = at }: DeadGroups): readonly Column<DeadGroup>[] {
  const list: readonly Column<DeadGroup>[] = [
    {
      key: 'count',
      title: 'Letters',
      label: '',
      class: 'num count',
      descends: true,
      sort: (group) => group.count,
      cell: (group) => <a href={hrefOf(group)}>{count(group.count)}</a>,
    },
    {
      key: 'queue',
      title: 'Queue',
      label: '',
      sort: (group) => group.queue,
      cell: ({ queue }) => (
        <a class="soft" href={queueLink(queue, 'dead')}>
          <Text value={queue} />
        </a>
      ),
    },
    {
      key: 'task',
      title: 'Task',
      label: '',
      sort: (group) => group.task,
      cell: ({ task }) => (task === '' ? <span class="zero">no name</span> : <Text value={task} />),
    },
    {
      key: 'error',
      title: 'Error',
      label: '',
      class: 'clip full mono',
      sort: (group) => group.error,
      cell: (group) => (
        <a class="soft" href={hrefOf(group)}>
          <Text value={group.error} />
        </a>
      ),
    },
    {
      key: 'deaths',
      title: `Died in ${barsRange({ barMs, deaths: items[0]?.deaths.length ?? 0 })}`,
      class: 'drop',
      cell: ({ deaths }) => <DeathBars values={deaths} />,
    },
    {
      key: 'redriven',
      title: 'Redriven',
      class: 'num wide-only',
      descends: true,
      sort: (group) => group.redriven,
      cell: ({ redriven }) => (redriven === 0 ? <span class="zero">–</span> : count(redriven)),
    },
    { ...time('first', 'First', (group) => group.firstAt), class: 'num wide-only' },
    { ...time('last', 'Last', (group) => group.lastAt), class: 'num full' },
  ];
  return mayOperate.value
    ? [
        ...list,
        {
          key: 'actions',
          title: <span class="sr">Actions</span>,
          class: 'num full',
          cell: (group) => <GroupActions group={group} countedAt={asOf} />,
        },
      ]
    : list;
}

function time(key: string, title: string, at: (group: DeadGroup) => number | undefined): Column<DeadGroup> {
  return {
    key,
    title,
    class: 'num',
    descends: true,
    sort: at,
    cell: (group) => {
      const value = at(group);
      return value === undefined ? <span class="zero">–</span> : <Time at={value} />;
    },
  };
}

function GroupActions({ group, countedAt }: { readonly group: DeadGroup; readonly countedAt: number }) {
  const { queue, task, error, count: expect } = group;
  const { since } = route.value.query;
  const begin = (action: BulkRequest['do']) => {
    const died = sinceOf(since, now.peek());
    askForBulk(action, {
      queue,
      filter: { task, group: error, ...(died !== undefined && { since: died }) },
      facts: [
        ['Task', task],
        ['Error', error],
      ],
      expect,
      countedAt,
    });
  };
  return (
    <span class="inline end">
      <Button look="bare" small icon="move" label="Move…" onClick={() => begin('move')} />
      <Button look="bare" small icon="trash" label="Discard…" onClick={() => begin('discard')} />
      <Button small icon="retry" onClick={() => begin('retry')}>
        Retry {count(expect)}…
      </Button>
    </span>
  );
}

function Unseen({ unseen }: { unseen: DeadGroups['unseen'] }) {
  if (unseen.length === 0) return null;
  return (
    <div class="unseen">
      <p class="soft">
        This server shows dead letters only after a look, queue by queue. {plural(unseen.length, 'queue')} not looked
        at:
      </p>
      <div class="chips wrap">
        {unseen.map(({ queue, dead }) => (
          <a key={queue} class="btn sm" href={queueLink(queue, 'dead')}>
            <Text value={queue} /> {dead === undefined ? '' : <span class="deadn">{count(dead)}</span>}
          </a>
        ))}
      </div>
    </div>
  );
}
