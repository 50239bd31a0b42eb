import { useSignal } from '@preact/signals';
import type { Look, MessageState, MessagesPage } from '../../../src/api/types.ts';
import { brokerPath } from '../actions/perform.ts';
import { ApiError, post } from '../api/client.ts';
import { now } from '../api/clock.ts';
import { mayOperate } from '../api/session.ts';
import { reloadAll } from '../api/use-resource.ts';
import { Button } from '../parts/button.tsx';
import { Empty } from '../parts/empty.tsx';
import { notify } from '../parts/notices.tsx';
import { age } from '../text/duration.ts';

interface Props {
  readonly queue: string;
  readonly state: Exclude<MessageState, 'running'>;
  readonly look: Look;
}

/** How many messages a look takes. */
const SIZE = { ready: '50', delayed: '500', dead: '1,000' };

/** A broker that can only deliver shows messages after a look, which is asked for by a person. */
export function LookGate({ queue, state, look }: Props) {
  const { busy, run } = useLook(queue, state, look);
  return (
    <Empty icon="eye" title="This server cannot show these without taking them">
      <p>{look.cost}</p>
      {mayOperate.value ? (
        <Button icon="eye" reason={busy ? 'A look is being made.' : undefined} onClick={run}>
          {busy ? 'Looking…' : `Look at the first ${SIZE[state]}`}
        </Button>
      ) : (
        <p class="muted">A look changes the server, so it needs the right to operate.</p>
      )}
      <p class="muted">One look serves everyone on this page. Nothing is taken until it is asked for.</p>
    </Empty>
  );
}

/** When the look that is shown was made, with a way to make another one. */
export function LookLine({ queue, state, look }: Props) {
  const { busy, run } = useLook(queue, state, look);
  return (
    <span class="inline">
      <span>Looked {look.at === undefined ? 'just now' : `${age(now.value - look.at)} ago`}</span>
      {mayOperate.value ? (
        <Button small icon="eye" reason={busy ? 'A look is being made.' : undefined} onClick={run}>
          {busy ? 'Looking…' : 'Look again'}
        </Button>
      ) : null}
    </span>
  );
}

function useLook(queue: string, state: Props['state'], look: Look): { busy: boolean; run: () => void } {
  const asked = useSignal(false);
  return {
    busy: look.busy || asked.value,
    run: () => {
      asked.value = true;
      post<MessagesPage>(brokerPath('queues', queue, 'look'), { state })
        .then(reloadAll)
        .catch((error: unknown) => {
          if (!(error instanceof ApiError)) throw error;
          notify(error.message, { tone: 'failed' });
        })
        .finally(() => {
          asked.value = false;
        });
    },
  };
}
