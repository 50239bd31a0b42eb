import type { Overview, Warning } from '../../../src/api/types.ts';
import { brokerPath } from '../actions/perform.ts';
import { resume } from '../actions/queue-actions.ts';
import { mayOperate } from '../api/session.ts';
import { Button } from '../parts/button.tsx';
import type { IconName } from '../parts/glyphs.tsx';
import { Icon } from '../parts/icon.tsx';
import { Panel } from '../parts/panel.tsx';
import { Text } from '../parts/text.tsx';
import { Time } from '../parts/time.tsx';
import { link } from '../route/route.ts';
import { timeOfDay } from '../text/clock-time.ts';
import { count } from '../text/number.ts';
import { calmText } from './calm-text.ts';
import { messageLink } from './message-columns.tsx';
import { queueLink } from './queue-columns.tsx';

/** What a person should look at, worst first. */
export function Warnings({ whole }: { whole: Pick<Overview, 'at' | 'lookedSince' | 'warnings' | 'error'> }) {
  const { warnings } = whole;
  if (warnings.length === 0) {
    return (
      <p class="panel calm">
        {whole.error === undefined ? <Icon name="succeeded" tone="succeeded" /> : null}
        {calmText(whole)}
      </p>
    );
  }
  return (
    <Panel title="Needs a look" note={warnings.length}>
      <ul class="look">
        {warnings.map((warning) => (
          <Row key={`${warning.code} ${warning.queue} ${warning.message}`} warning={warning} />
        ))}
      </ul>
    </Panel>
  );
}

function glyphOf({ code, severity }: Warning): [icon: IconName, tone: string] {
  if (code === 'DEAD_BURST' || code === 'DEAD_CRASHED') return ['dead', 'dead'];
  if (code === 'QUEUE_PAUSED') return ['paused', 'paused'];
  return ['failed', severity === 'error' ? 'dead' : 'failed'];
}

function Row({ warning }: { warning: Warning }) {
  const { code, queue, message, worker, since } = warning;
  const [icon, tone] = glyphOf(warning);
  return (
    <li>
      <Icon name={icon} size="normal" tone={tone} />
      {queue === undefined ? (
        <span class="q">{worker === undefined ? 'Broker' : 'Workers'}</span>
      ) : (
        <a class="q" href={queueLink(queue)}>
          <Text value={queue} />
        </a>
      )}
      <p>
        <Text value={message} />
      </p>
      <span class="when">
        {since === undefined ? null : (
          <Time at={since}>{`${code === 'DEAD_CRASHED' ? 'at' : 'since'} ${timeOfDay(since, false)}`}</Time>
        )}
      </span>
      <Step warning={warning} />
    </li>
  );
}

/** The next step: a link to what is meant, or the action that ends it. */
function Step({ warning: { code, queue, task, error, id, worker, count: number } }: { warning: Warning }) {
  if (worker !== undefined) {
    return (
      <a class="btn sm" href={link(brokerPath('workers'))}>
        Open
      </a>
    );
  }
  if (queue === undefined) return <span />;
  if (id !== undefined) {
    return (
      <a class="btn sm" href={messageLink(queue, id)}>
        Open it
      </a>
    );
  }
  if (code === 'QUEUE_PAUSED' && mayOperate.value) {
    return (
      <Button small onClick={() => resume(queue)}>
        Resume
      </Button>
    );
  }
  if (code === 'DEAD_BURST') {
    return (
      <a class="btn sm" href={queueLink(queue, 'dead', { task, group: error })}>
        {number === undefined || error !== undefined ? 'Open them' : `Open the ${count(number)}`}
      </a>
    );
  }
  return (
    <a class="btn sm" href={queueLink(queue)}>
      Open
    </a>
  );
}
