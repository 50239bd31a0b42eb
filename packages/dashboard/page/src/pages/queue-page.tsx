import { useEffect, useRef } from 'preact/hooks';
import type { MessageState, QueueRow } from '../../../src/api/types.ts';
import { askToPurge, pause, resume } from '../actions/queue-actions.ts';
import { apiUrl } from '../api/client.ts';
import { openQueue } from '../api/live-data.ts';
import { useResource } from '../api/use-resource.ts';
import { Empty } from '../parts/empty.tsx';
import { mayOperate, reasonAgainst } from '../api/session.ts';
import { useTopics } from '../api/use-topics.ts';
import { HistoryCharts } from '../charts/history-charts.tsx';
import { Button } from '../parts/button.tsx';
import { Head } from '../parts/head.tsx';
import { Icon } from '../parts/icon.tsx';
import { Pill } from '../parts/pill.tsx';
import { Text } from '../parts/text.tsx';
import { link, route } from '../route/route.ts';
import { count } from '../text/number.ts';
import { age } from '../text/duration.ts';
import { now } from '../api/clock.ts';
import { MessageList } from './message-list.tsx';
import { queueLink } from './queue-columns.tsx';
import { QueueTotals } from './queue-totals.tsx';
import { RangeChoice } from './range-choice.tsx';
import { usualRange } from './ranges.ts';

const TABS = ['ready', 'delayed', 'running', 'dead'] as const;
const NAMES = { ready: 'Ready', delayed: 'Delayed', running: 'Running', dead: 'Dead' };

/** A queue: its figures, its charts, its messages by state. */
export function QueuePage({ broker, queue, tab }: { broker: string; queue: string; tab: string | undefined }) {
  useTopics(broker, [`queue:${queue}`]);
  const { minutes = usualRange() } = route.value.query;
  const letters = useRef<HTMLElement>(null);
  const row = openQueue.value?.name === queue ? openQueue.value : undefined;
  const isLoaded = row !== undefined;
  // On a phone the letters that a link leads to are far below the charts.
  useEffect(() => {
    if (isLoaded && route.value.query.group !== undefined && window.matchMedia('(max-width: 45rem)').matches) {
      letters.current?.scrollIntoView();
    }
  }, [queue, isLoaded]);
  const state: MessageState = TABS.find((each) => each === tab) ?? ((row?.counts.dead ?? 0) > 0 ? 'dead' : 'ready');
  const paused = row?.paused === true;
  const asked = useResource<QueueRow>(row === undefined ? apiUrl([broker, 'queues', queue]) : undefined, 0);
  if (row === undefined && asked.error?.status === 404) return <NoQueue broker={broker} queue={queue} />;
  return (
    <>
      <Head
        title={queue}
        path={[['Queues', link([broker, 'queues'])]]}
        beside={
          paused ? (
            <Pill state="paused">
              Paused{row.pausedAt === undefined ? '' : ` ${age(now.value - row.pausedAt)} ago`}
            </Pill>
          ) : undefined
        }
      >
        <RangeChoice minutes={minutes} />
        {!mayOperate.value ? null : (
          <>
            <Button
              look="risk"
              icon="trash"
              reason={row?.counts.ready === 0 ? 'No ready message to purge.' : undefined}
              onClick={() => askToPurge(queue, row?.counts.ready)}
            >
              Purge…
            </Button>
            {paused ? (
              <Button look="go" icon="running" onClick={() => resume(queue)}>
                Resume
              </Button>
            ) : (
              <Button icon="paused" reason={reasonAgainst('pause')} onClick={() => pause(queue)}>
                Pause
              </Button>
            )}
          </>
        )}
      </Head>
      {row?.error === undefined ? null : (
        <p class="panel errline" role="alert">
          <Text value={row.error.message} />
        </p>
      )}
      {paused && (row.obeying ?? 0) < (row.workers ?? 0) ? (
        <p class="note">
          <Icon name="info" />
          {row.obeying ?? 0} of {row.workers} workers obey the pause so far.
        </p>
      ) : null}
      {row === undefined ? <div class="panel totals many skeleton" /> : <QueueTotals row={row} />}
      <HistoryCharts broker={broker} queue={queue} minutes={minutes} />
      <section class="panel" ref={letters} aria-label={`${NAMES[state]} messages`}>
        <nav class="tabs" aria-label="Messages by state">
          {TABS.map((each) => (
            <a
              key={each}
              href={queueLink(queue, each, { minutes: route.value.query.minutes })}
              aria-current={each === state ? 'page' : undefined}
            >
              <Icon name={each} tone={row?.counts[each] === 0 ? 'muted' : each} />
              {NAMES[each]} <span class="n">{row?.counts[each] === undefined ? '' : count(row.counts[each])}</span>
            </a>
          ))}
        </nav>
        <MessageList key={`${queue} ${state}`} broker={broker} queue={queue} state={state} total={row?.counts[state]} />
      </section>
    </>
  );
}

function NoQueue({ broker, queue }: { broker: string; queue: string }) {
  const all = link([broker, 'queues']);
  return (
    <>
      <Head title={queue} path={[['Queues', all]]} />
      <section class="panel">
        <Empty icon="search" title="There is no such queue">
          <p>A queue appears with its first message or its first worker. Your rights may also hide it.</p>
          <p>
            <a href={all}>Show all queues</a>
          </p>
        </Empty>
      </section>
    </>
  );
}
