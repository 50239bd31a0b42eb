import type { MessageState } from '../../../src/api/types.ts';
import { askToAbort, askToCancel, runNow } from '../actions/message-actions.ts';
import { reasonAgainst } from '../api/session.ts';
import { Button } from '../parts/button.tsx';
import { SelectedIds } from '../parts/selected-ids.tsx';
import type { Selection } from '../parts/selection.ts';
import { count } from '../text/number.ts';

interface Props {
  readonly queue: string;
  readonly state: Exclude<MessageState, 'dead'>;
  readonly ids: readonly string[];
  readonly selection: Selection;
}

/** Actions for selected messages that wait or run. */
export function WaitingBar({ queue, state, ids, selection }: Props) {
  const number = count(ids.length);
  return (
    <div class="bulk" role="region" aria-label="Selected messages">
      <SelectedIds ids={ids} clear={selection.clear} />
      {state === 'running' ? (
        <Button
          look="risk"
          icon="stop"
          reason={reasonAgainst('cancelRunning')}
          onClick={() => askToAbort(queue, ids, selection.clear)}
        >
          Cancel {number}…
        </Button>
      ) : (
        <Button
          look="risk"
          icon="x"
          reason={reasonAgainst('cancel')}
          onClick={() => askToCancel(queue, ids, selection.clear)}
        >
          Cancel {number}…
        </Button>
      )}
      {state === 'delayed' ? (
        <Button
          look="go"
          icon="running"
          reason={reasonAgainst('promote')}
          onClick={() => {
            runNow(queue, ids);
            selection.clear();
          }}
        >
          Run {number} now
        </Button>
      ) : null}
    </div>
  );
}
