import type { ComponentChildren } from 'preact';
import type { AttemptRow, MessageDetail } from '../../../src/api/types.ts';
import { LifeBar } from '../charts/life-bar.tsx';
import { now } from '../api/clock.ts';
import type { IconName } from '../parts/glyphs.tsx';
import { Icon } from '../parts/icon.tsx';
import { Panel } from '../parts/panel.tsx';
import { Text } from '../parts/text.tsx';
import { Time } from '../parts/time.tsx';
import { timeOfDay } from '../text/clock-time.ts';
import { crashed } from '../text/attempts.ts';
import { duration, relative } from '../text/duration.ts';
import { plural } from '../text/number.ts';
import { recordedBy } from './recorded-by.ts';

/** What happened to a message, from its sending to now. */
export function Timeline({ message }: { message: MessageDetail }) {
  const { sentAt, redriven, attempts, state, dueAt, isRetry, startedAt, worker, deadAt, reason, crashes } = message;
  const recorder = recordedBy(message);
  const begin = redriven?.at ?? sentAt;
  const last = attempts.at(-1)?.error;
  const lastReason = last === undefined ? undefined : `${last.name}: ${last.message}`;
  const span = begin === undefined ? undefined : (deadAt ?? now.value) - begin;
  return (
    <Panel
      title="What happened"
      note={
        span === undefined
          ? undefined
          : `${duration(span)} since it was ${redriven === undefined ? 'sent' : 'redriven'}`
      }
    >
      <LifeBar message={message} />
      <ol class="time body">
        {sentAt === undefined ? null : (
          <Step at={sentAt} icon="send" title="Sent">
            {redriven === undefined || redriven.attempts.length === 0 ? null : (
              <details>
                <summary>
                  <Icon name="right" />
                  Before the redrive: {plural(redriven.attempts.length, 'failed attempt')}
                </summary>
                <ol>
                  {redriven.attempts.map((each) => (
                    <li key={each.attempt}>
                      <span class="says">
                        <Text value={`${timeOfDay(each.at)} ${each.error.name}: ${each.error.message}`} />
                      </span>
                    </li>
                  ))}
                </ol>
              </details>
            )}
          </Step>
        )}
        {redriven === undefined ? null : (
          <Step
            at={redriven.at}
            icon="retry"
            title={redriven.count === 1 ? 'Redriven' : `Redriven, the ${redriven.count}th time`}
          >
            <span class="says">
              <Text value={`it had died of: ${redriven.reason}`} />
            </span>
          </Step>
        )}
        {attempts.map((each, index) => (
          <Attempt key={each.attempt} row={each} next={attempts[index + 1]} />
        ))}
        {crashes === undefined ? null : (
          <Step at={undefined} icon="failed" tone="failed" title={crashed(crashes).replace('c', 'C')}>
            <span class="meta">
              <span>
                The worker that ran it died or lost its lease{crashes === 1 ? '' : ', each time'}. When, and which
                worker, is not recorded.
              </span>
            </span>
          </Step>
        )}
        {state === 'delayed' && dueAt !== undefined ? (
          <Step at={dueAt} icon="delayed" tone="delayed" title={isRetry === true ? 'Next attempt' : 'Due'}>
            <span class="meta">{relative(dueAt, now.value)}</span>
          </Step>
        ) : null}
        {state === 'running' ? (
          <Step at={startedAt ?? 'now'} icon="running" tone="running" title={`Attempt ${message.attempt} runs`}>
            <span class="meta">
              {startedAt === undefined ? null : <span>for {duration(now.value - startedAt)}</span>}
              {worker === undefined ? null : <Text value={worker} />}
            </span>
          </Step>
        ) : null}
        {state === 'ready' ? (
          <Step at="now" icon="ready" tone="ready" title="Ready">
            <span class="meta">waits for a worker that takes it</span>
          </Step>
        ) : null}
        {state === 'dead' ? (
          <Step at={deadAt} icon="dead" tone="dead" title="Dead">
            {reason === undefined || reason === lastReason ? null : (
              <span class="says">
                <Text value={reason} />
              </span>
            )}
            <span class="meta">
              {reason === lastReason ? <span>of its last attempt’s error</span> : null}
              {deadAt === undefined ? null : <span>{relative(deadAt, now.value)}</span>}
              {recorder === undefined ? null : <Text value={recorder} />}
            </span>
          </Step>
        ) : null}
      </ol>
    </Panel>
  );
}

function Attempt({ row, next }: { row: AttemptRow; next: AttemptRow | undefined }) {
  const { attempt, at, ranMs, worker, error } = row;
  const pauseMs = next?.ranMs === undefined ? undefined : next.at - next.ranMs - at;
  const after = ranMs === undefined ? '' : ` after ${duration(ranMs)}`;
  return (
    <Step at={at} icon="failed" tone="failed" title={`Attempt ${attempt} failed${after}`}>
      <span class="says">
        <Text value={`${error.name}: ${error.message}`} />
      </span>
      <span class="meta">
        <Text value={worker} />
        {pauseMs === undefined || pauseMs < 0 ? null : <span>next attempt {duration(pauseMs)} later</span>}
      </span>
    </Step>
  );
}

interface StepProps {
  /** Epoch milliseconds; `undefined` if the time is unknown. */
  readonly at: number | 'now' | undefined;
  readonly icon: IconName;
  readonly tone?: string;
  readonly title: string;
  readonly children?: ComponentChildren;
}

function Step({ at, icon, tone = '', title, children }: StepProps) {
  return (
    <li>
      {typeof at !== 'number' ? (
        <span class="at">{at ?? '–'}</span>
      ) : (
        <Time at={at} class="at">
          {timeOfDay(at)}
        </Time>
      )}
      <span class="node">
        <Icon name={icon} size="normal" tone={tone} />
      </span>
      <div class="what">
        <b>{title}</b>
        {children === undefined ? null : <div class="more-of">{children}</div>}
      </div>
    </li>
  );
}
