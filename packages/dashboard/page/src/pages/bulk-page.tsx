import { useEffect, useRef } from 'preact/hooks';
import type { BulkJob } from '../../../src/api/types.ts';
import { wordsOf } from '../actions/letter-filter.ts';
import { brokerPath, perform } from '../actions/perform.ts';
import { now } from '../api/clock.ts';
import { bulkJobs } from '../api/live-data.ts';
import { mayOperate } from '../api/session.ts';
import { useTopics } from '../api/use-topics.ts';
import { Button } from '../parts/button.tsx';
import { Empty } from '../parts/empty.tsx';
import type { IconName } from '../parts/glyphs.tsx';
import { Head } from '../parts/head.tsx';
import { Icon } from '../parts/icon.tsx';
import { Panel } from '../parts/panel.tsx';
import { Pill } from '../parts/pill.tsx';
import { Text } from '../parts/text.tsx';
import { Time } from '../parts/time.tsx';
import { route } from '../route/route.ts';
import { timeOfDay } from '../text/clock-time.ts';
import { duration } from '../text/duration.ts';
import { count, rate } from '../text/number.ts';
import { queueLink } from './queue-columns.tsx';

const ICONS: Record<BulkJob['do'], IconName> = { retry: 'retry', discard: 'trash', move: 'move' };
const INTERRUPTED: Record<BulkJob['do'], string> = {
  retry: 'A few more letters than shown may be back in the queue.',
  discard: 'A few more letters than shown may be discarded.',
  move: 'A few more letters than shown may be moved; those of the last batch may be in both queues.',
};
const VERBS: Record<BulkJob['do'], string> = { retry: 'Retry', discard: 'Discard', move: 'Move' };

/** Bulk jobs: those that run, with their progress, and those that ended. */
export function BulkPage({ broker }: { broker: string }) {
  useTopics(broker, []);
  const all = [...bulkJobs.value.rows.values()].sort((a, b) => b.startedAt - a.startedAt);
  const running = all.filter(({ state }) => state === 'running');
  const ended = all.filter(({ state }) => state !== 'running');
  return (
    <>
      <Head title="Bulk jobs" />
      <Panel title="Running" note={count(running.length)}>
        {running.length === 0 ? (
          <Empty icon="succeeded" title="No bulk job runs">
            <p>Filter the dead letters of a queue, then retry, move or discard all that match.</p>
          </Empty>
        ) : (
          <ul>
            {running.map((job) => (
              <Job key={job.id} job={job} />
            ))}
          </ul>
        )}
      </Panel>
      {ended.length === 0 ? null : (
        <Panel
          title="Ended"
          note={count(ended.length)}
          footer="This dashboard keeps its last 50 jobs in memory. The broker keeps the last 8 jobs of all dashboards."
        >
          <ul>
            {ended.map((job) => (
              <Job key={job.id} job={job} />
            ))}
          </ul>
        </Panel>
      )}
    </>
  );
}

function Job({ job }: { job: BulkJob }) {
  const { id, queue, to, filter, who, startedAt, done, total, looked, state, error, isElsewhere } = job;
  const element = useRef<HTMLLIElement>(null);
  // A notice links to its job.
  const isNamed = route.value.query.job === id;
  useEffect(() => {
    if (isNamed) element.current?.scrollIntoView({ block: 'nearest' });
  }, [isNamed]);
  const words = wordsOf(filter, undefined).map(([, value]) => value);
  return (
    <li ref={element} class="job" aria-current={isNamed ? 'true' : undefined}>
      <div>
        <h3 class="ttl inline">
          <Icon name={ICONS[job.do]} size="normal" tone="muted" />
          <span>
            {VERBS[job.do]} {count(total)} of{' '}
            <a href={queueLink(queue, 'dead')}>
              <Text value={queue} />
            </a>
            {to === undefined ? null : (
              <>
                {' '}
                to <Text value={to} />
              </>
            )}
          </span>
        </h3>
        <p>
          {words.length === 0 ? 'every dead letter' : <Text value={words.join(' · ')} />}
          {filter.until === undefined ? '' : `, died until ${timeOfDay(filter.until)}`} · {who}, <Time at={startedAt} />
        </p>
        {error === undefined ? null : (
          <p class="warn">
            <Text value={error.message} />
          </p>
        )}
        {state === 'interrupted' ? (
          <p>
            Its dashboard ended without notice. {INTERRUPTED[job.do]} Letters that were not reached are still dead:
            filter them and start again.
          </p>
        ) : null}
        {state === 'running' && isElsewhere ? (
          <p>Runs in another dashboard, or in one that ended less than 15 s ago. It cannot be stopped here.</p>
        ) : null}
      </div>
      <div class="inline">
        {state === 'running' ? (
          mayOperate.value && !isElsewhere ? (
            <Button
              onClick={() =>
                void perform(brokerPath('bulk', id, 'stop'), {}, () => 'Stopped. What was done stays done.')
              }
            >
              Stop
            </Button>
          ) : null
        ) : (
          <Ended job={job} />
        )}
      </div>
      {state !== 'running' ? null : (
        <div class="run-line">
          <progress value={done} max={Math.max(1, total)} aria-label={`${VERBS[job.do]} in ${queue}`}>
            {done} of {total}
          </progress>
          <div class="figs">
            <span>
              <b>{count(done)}</b> of {count(total)}
            </span>
            <span>looked at {count(looked)}</span>
            <span>{remaining(job)}</span>
          </div>
        </div>
      )}
    </li>
  );
}

function remaining({ startedAt, done, total }: BulkJob): string {
  const spent = now.value - startedAt;
  if (done === 0 || spent < 1_000) return 'begins';
  const perMs = done / spent;
  return `${rate(perMs * 1_000)}/s, about ${duration((total - done) / perMs)} left`;
}

function Ended({ job: { state, done, total, startedAt, endedAt } }: { job: BulkJob }) {
  const took = endedAt === undefined ? '' : ` in ${duration(endedAt - startedAt)}`;
  if (state === 'done') {
    return (
      <Pill state="succeeded">
        {done === total ? 'Done' : `Done: ${count(done)}`}
        {took}
      </Pill>
    );
  }
  if (state === 'interrupted') {
    return <Pill state="failed">{`Interrupted after at least ${count(done)} of ${count(total)}`}</Pill>;
  }
  const text = `${state === 'stopped' ? 'Stopped' : 'Failed'} after ${count(done)}`;
  return state === 'stopped' ? <Pill state="plain">{text}</Pill> : <Pill state="failed">{text}</Pill>;
}
