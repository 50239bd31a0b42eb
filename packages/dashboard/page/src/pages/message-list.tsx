import { useEffect } from 'preact/hooks';
import type { DeadGroups, FoundRow, Listed, MessageState, MessagesPage } from '../../../src/api/types.ts';
import { filterOf, paramsOf } from '../actions/letter-filter.ts';
import { apiUrl } from '../api/client.ts';
import { now } from '../api/clock.ts';
import { mayOperate, reasonAgainst } from '../api/session.ts';
import { useResource } from '../api/use-resource.ts';
import { Empty } from '../parts/empty.tsx';
import { Failure, Loading } from '../parts/failure.tsx';
import { useSelection } from '../parts/selection.ts';
import { Table } from '../parts/table.tsx';
import { link, route } from '../route/route.ts';
import { count } from '../text/number.ts';
import { EmptyMessages } from './empty-messages.tsx';
import { ErrorGroups } from './error-groups.tsx';
import { LetterBar } from './letter-bar.tsx';
import { LookGate, LookLine } from './look-gate.tsx';
import { messageColumns, messageLink } from './message-columns.tsx';
import { MessageFilters } from './message-filters.tsx';
import { WaitingBar } from './waiting-bar.tsx';

interface Props {
  readonly broker: string;
  readonly queue: string;
  readonly state: MessageState;
  /** Messages in this state, by the last figures. */
  readonly total: number | undefined;
}

const PAGE = 50;

/** Messages of a queue in one state, with filters and actions. */
export function MessageList({ broker, queue, state, total }: Props) {
  const { path, query } = route.value;
  const filter = filterOf(query, now.peek());
  const isFiltered = Object.keys(filter).length > 0;
  const order = query.from ?? (state === 'dead' ? 'newest' : 'oldest');
  const selection = useSelection();
  // Rows that move would be clicked by mistake.
  const isHeld = selection.keys.size > 0;
  const params = { state, limit: PAGE, from: order, after: query.after, ...paramsOf(filter) };
  const messages = useResource<MessagesPage>(apiUrl([broker, 'queues', queue, 'messages'], params), isHeld ? 0 : 5_000);
  const groups = useResource<DeadGroups>(
    state === 'dead' ? apiUrl([broker, 'dead', 'groups'], { queue, since: filter.since }) : undefined,
    10_000,
  );
  const wantsId = filter.text !== undefined && !filter.text.includes(' ') && reasonAgainst('find') === undefined;
  const found = useResource<Listed<FoundRow>>(wantsId ? apiUrl([broker, 'find'], { id: filter.text }) : undefined, 0);
  const page = messages.data;
  useEffect(() => {
    if (page !== undefined) selection.keep(page.items.map(({ id }) => id));
  }, [page]);
  const hits = (wantsId ? found.data?.items : undefined) ?? [];
  if (page?.look !== undefined && page.look.at === undefined && state !== 'running' && (total ?? 1) > 0) {
    return <LookGate queue={queue} state={state} look={page.look} />;
  }
  const items = page?.items ?? [];
  const chosen = items.filter(({ id }) => selection.has(id));
  const isComplete = page !== undefined && page.next === undefined && query.after === undefined;
  const group = groups.data?.items.find(({ task, error }) => task === filter.task && error === filter.group);
  const isGroup = group !== undefined && filter.text === undefined && filter.error === undefined;
  const matched = isComplete ? page.matched : isGroup ? group.count : isFiltered ? undefined : (page?.total ?? total);
  const seenAt = page?.look?.at ?? page?.at;
  const groupsAt = groups.data?.look?.at ?? groups.data?.at;
  const countedAt = isComplete ? seenAt : isGroup ? groupsAt : isFiltered ? seenAt : (page?.totalAt ?? seenAt);
  return (
    <>
      <MessageFilters state={state} groups={groups.data?.items ?? []} order={order} />
      {state === 'dead' && groups.data !== undefined ? <ErrorGroups of={groups.data} /> : null}
      {hits.map((hit) => (
        <p class="hit" key={`${hit.queue} ${hit.id}`}>
          The message with this id is <b>{hit.state}</b> in {hit.queue}:{' '}
          <a class="mono" href={messageLink(hit.queue, hit.id)}>
            {hit.id}
          </a>
        </p>
      ))}
      {messages.error === undefined ? null : <Failure error={messages.error} onRetry={messages.reload} />}
      {page === undefined ? (
        messages.error === undefined ? (
          <Loading />
        ) : null
      ) : (
        <>
          <div class="count-line" role="status">
            <Counted page={page} isFiltered={isFiltered} />
            {page.look !== undefined && order === 'newest' && (page.total ?? 0) > page.looked ? (
              <span>The look began at the oldest: newer ones are not in it.</span>
            ) : null}
            {page.look === undefined || state === 'running' ? null : (
              <LookLine queue={queue} state={state} look={page.look} />
            )}
            <span class="end">
              {isHeld ? 'Held while messages are selected ' : null}
              {query.after === undefined ? null : <a href={link(path, { ...query, after: undefined })}>First page</a>}
            </span>
          </div>
          {items.length > 0 ? (
            <div class={messages.loading ? 'loading-rows' : ''}>
              <Table
                label={`${state} messages of ${queue}`}
                class="lean"
                columns={messageColumns(state, filter.group !== undefined)}
                rows={items}
                keyOf={(row) => row.id}
                href={(row) => messageLink(row.queue, row.id)}
                selection={mayOperate.value ? selection : undefined}
              />
            </div>
          ) : page.next === undefined ? (
            <EmptyMessages state={state} isFiltered={isFiltered} all={link(path, {})} />
          ) : (
            <Empty icon="search" title={`None of these ${count(page.looked)} match`}>
              <p>The search goes on from here.</p>
            </Empty>
          )}
          {page.next === undefined ? null : (
            <a class="more" href={link(path, { ...query, after: page.next })}>
              {items.length > 0 ? 'Next page' : 'Look further'}
            </a>
          )}
          {!mayOperate.value || items.length === 0 ? null : state === 'dead' ? (
            <LetterBar
              queue={queue}
              filter={filter}
              items={items}
              selection={selection}
              matched={matched}
              countedAt={countedAt ?? page.at}
            />
          ) : chosen.length === 0 ? null : (
            <WaitingBar queue={queue} state={state} rows={chosen} selection={selection} />
          )}
        </>
      )}
    </>
  );
}

/** How far the list reaches: `Looked at 26 of 26 · 24 match`. */
function Counted({ page: { looked, matched, total, next }, isFiltered }: { page: MessagesPage; isFiltered: boolean }) {
  const of = total === undefined ? '' : ` of ${count(Math.max(total, looked))}`;
  if (!isFiltered) return <span>{looked === total ? count(looked) : `${count(looked)}${of}`} shown</span>;
  return (
    <span>
      Looked at {count(looked)}
      {of} · <b>{count(matched)} match</b>
      {next === undefined ? '' : ' so far'}
    </span>
  );
}
