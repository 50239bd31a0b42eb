import type { MessageDetail, MessageState } from '../../../src/api/types.ts';
import { askToAbort, askToCancel, askToDiscard, askToMove, retry, runNow } from '../actions/message-actions.ts';
import { apiUrl } from '../api/client.ts';
import { mayOperate, reasonAgainst } from '../api/session.ts';
import { useTopics } from '../api/use-topics.ts';
import { useResource } from '../api/use-resource.ts';
import { Button } from '../parts/button.tsx';
import { copy } from '../parts/copy.ts';
import { Empty } from '../parts/empty.tsx';
import { Failure, Loading } from '../parts/failure.tsx';
import { Head } from '../parts/head.tsx';
import { Icon } from '../parts/icon.tsx';
import { Panel } from '../parts/panel.tsx';
import { Pill } from '../parts/pill.tsx';
import { Text } from '../parts/text.tsx';
import { Tip } from '../parts/tip.tsx';
import { Time } from '../parts/time.tsx';
import { link, open } from '../route/route.ts';
import { timeOfDay } from '../text/clock-time.ts';
import { crashed } from '../text/attempts.ts';
import { duration } from '../text/duration.ts';
import { bytes, count, plural } from '../text/number.ts';
import { AlikePanel } from './alike-panel.tsx';
import { JsonBody } from './json-body.tsx';
import { queueLink } from './queue-columns.tsx';
import { StackTrace } from './stack-trace.tsx';
import { Timeline } from './timeline.tsx';

const STATES: Record<MessageState, string> = { ready: 'Ready', delayed: 'Delayed', running: 'Running', dead: 'Dead' };

/** A message: what happened to it, its error, its arguments. */
export function MessagePage({ broker, queue, id }: { broker: string; queue: string; id: string }) {
  useTopics(broker, []);
  const { data, error, reload } = useResource<MessageDetail>(apiUrl([broker, 'queues', queue, 'messages', id]), 5_000);
  const path = [
    ['Queues', link([broker, 'queues'])],
    [queue, queueLink(queue, data?.state)],
  ] as const;
  if (data === undefined || error?.status === 404) {
    return (
      <>
        <Head title={id} path={path} />
        <section class="panel">
          {error === undefined ? (
            <Loading />
          ) : error.status === 404 ? (
            <Empty icon="search" title="This message has ended">
              <p>
                <Text value={error.message} />
              </p>
              <p>
                <a href={queueLink(queue)}>
                  Open <Text value={queue} />
                </a>
              </p>
            </Empty>
          ) : (
            <Failure error={error} onRetry={reload} />
          )}
        </section>
      </>
    );
  }
  const last = data.attempts.at(-1);
  return (
    <>
      <Head
        title={data.task === '' ? id : data.task}
        path={path}
        beside={
          <Pill state={data.state}>
            {STATES[data.state]} {data.deadAt === undefined ? null : <Time at={data.deadAt} />}
          </Pill>
        }
      >
        <Actions message={data} />
      </Head>
      {error === undefined ? null : <Failure error={error} onRetry={reload} />}
      <div class="two">
        <div class="stack">
          <Timeline message={data} />
          {last === undefined ? null : <StackTrace error={last.error} note={noteOf(data)} />}
          <Body message={data} />
        </div>
        <div class="stack">
          <Facts message={data} />
          <Headers message={data} />
          {data.group === undefined ? null : (
            <AlikePanel broker={broker} queue={queue} task={data.task} group={data.group} />
          )}
        </div>
      </div>
    </>
  );
}

/** Whether the error was the same in each attempt. */
function noteOf({ attempts }: MessageDetail): string {
  const texts = new Set(attempts.map(({ error }) => `${error.name}: ${error.message}`));
  if (attempts.length > 1 && texts.size === 1) return `the same in ${attempts.length} attempts`;
  return `of attempt ${attempts.at(-1)?.attempt}`;
}

function Actions({ message }: { message: MessageDetail }) {
  const { queue, id, state, command } = message;
  return (
    <>
      <Button
        look="bare"
        icon="copy"
        reason={
          command === undefined
            ? 'Its arguments are hidden, cut off or no JSON, so no command sends it again.'
            : undefined
        }
        onClick={() => void copy(command ?? '', 'the command')}
      >
        Copy as <code>brokkr send</code>
      </Button>
      {!mayOperate.value ? null : state === 'dead' ? (
        <>
          <Button icon="move" onClick={() => askToMove(queue, [id])}>
            Move…
          </Button>
          <Button look="risk" icon="trash" onClick={() => askToDiscard(queue, [id])}>
            Discard…
          </Button>
          <Button
            look="go"
            icon="retry"
            onClick={() => {
              retry(queue, [id]);
              open(queueLink(queue, 'dead'));
            }}
          >
            Retry
          </Button>
        </>
      ) : state === 'running' ? (
        <Button
          look="risk"
          icon="stop"
          reason={reasonAgainst('cancelRunning')}
          onClick={() => askToAbort(queue, [message])}
        >
          Cancel…
        </Button>
      ) : (
        <>
          <Button look="risk" icon="x" reason={reasonAgainst('cancel')} onClick={() => askToCancel(queue, [id])}>
            Cancel…
          </Button>
          {state === 'delayed' ? (
            <Button look="go" icon="running" reason={reasonAgainst('promote')} onClick={() => runNow(queue, [id])}>
              Run now
            </Button>
          ) : null}
        </>
      )}
    </>
  );
}

function Body({ message: { body } }: { message: MessageDetail }) {
  const { text, form, truncated, redacted, hidden } = body;
  return (
    <Panel
      title="Arguments"
      note={`${bytes(body.bytes)}${truncated ? ', cut off at 64 KiB' : ''}`}
      actions={
        text === undefined ? undefined : (
          <Button small icon="copy" onClick={() => void copy(text, 'the arguments')}>
            Copy
          </Button>
        )
      }
      footer={
        redacted > 0 ? (
          <span class="inline">
            <Icon name="lock" />
            {plural(redacted, 'value')} hidden on the server: you lack the right to payloads. Numbers are shown as sent.
          </span>
        ) : undefined
      }
    >
      {text !== undefined ? (
        <JsonBody text={text} />
      ) : (
        <p class="body soft">
          {hidden === true
            ? 'Hidden on the server: the body is no JSON, so its values cannot be hidden one by one, and you lack the right to payloads.'
            : form === 'binary'
              ? `Not shown: these ${bytes(body.bytes)} are not valid UTF-8.`
              : 'Not at hand.'}
        </p>
      )}
    </Panel>
  );
}

function Facts({ message }: { message: MessageDetail }) {
  const { id, queue, task, attempt, maxAttempts, redriven, timeoutMs, expiresAt, idempotencyKey, state, crashes } =
    message;
  return (
    <Panel title="Facts">
      <dl class="facts body">
        <dt>Id</dt>
        <dd class="mono copied">
          <Text value={id} />
          <Button small look="bare" icon="copy" label="Copy the id" onClick={() => void copy(id, 'the id')} />
        </dd>
        <dt>Queue</dt>
        <dd>
          <a href={queueLink(queue)}>
            <Text value={queue} />
          </a>
        </dd>
        <dt>Task</dt>
        <dd>{task === '' ? <span class="zero">no name</span> : <Text value={task} />}</dd>
        <dt>{state === 'dead' ? 'Attempts' : 'Attempt'}</dt>
        <dd>
          {maxAttempts === undefined ? attempt : `${attempt} of ${maxAttempts}`}
          {crashes === undefined ? '' : `, ${crashed(crashes)}`}
        </dd>
        {redriven === undefined ? null : (
          <>
            <dt>Redriven</dt>
            <dd>
              {count(redriven.count)}×, last <Time at={redriven.at}>{timeOfDay(redriven.at, false)}</Time>
            </dd>
          </>
        )}
        {timeoutMs === undefined ? null : (
          <>
            <dt>Time limit</dt>
            <dd>{duration(timeoutMs)}</dd>
          </>
        )}
        {expiresAt === undefined ? null : (
          <>
            <dt>Expires</dt>
            <dd>
              <Time at={expiresAt} />
            </dd>
          </>
        )}
        {idempotencyKey === undefined ? null : (
          <>
            <dt>Key</dt>
            <dd class="mono">
              <Text value={idempotencyKey} />
            </dd>
          </>
        )}
      </dl>
    </Panel>
  );
}

/** Characters of a header's value that are shown. The whole can be copied. */
const MOST_SHOWN = 200;
/** Headers whose JSON the page shows as a timeline. */
const HISTORIES: ReadonlySet<string> = new Set(['brokkr-history', 'brokkr-last-history']);

function Headers({ message: { headers } }: { message: MessageDetail }) {
  return (
    <Panel title="Headers" note={headers.length}>
      <dl class="facts body">
        {headers.map(({ name, value, redacted }) => (
          <div key={name} class="pair">
            <dt>
              <Text value={name} />
            </dt>
            <dd class="mono">
              {redacted ? (
                <Tip tip="Hidden on the server: you lack the right to payloads.">•••</Tip>
              ) : HISTORIES.has(name) ? (
                <>
                  shown as the timeline
                  <Button small look="bare" icon="copy" onClick={() => void copy(value, `the header ${name}`)}>
                    Copy
                  </Button>
                </>
              ) : value.length <= MOST_SHOWN ? (
                <Text value={value} />
              ) : (
                <>
                  <Text value={`${value.slice(0, MOST_SHOWN)}…`} />
                  <Button small look="bare" icon="copy" onClick={() => void copy(value, `the header ${name}`)}>
                    Copy all
                  </Button>
                </>
              )}
            </dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}
