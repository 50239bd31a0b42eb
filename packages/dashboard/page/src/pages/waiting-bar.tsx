import type { MessageRow, MessageState } from '../../../src/api/types.ts';
import { askToAbort, askToCancel, runNow } from '../actions/message-actions.ts';
import { reasonAgainst } from '../api/session.ts';
import { Button } from '../parts/button.tsx';
import { SelectedIds } from '../parts/selected-ids.tsx';
import type { Selection } from '../parts/selection.ts';
import { count } from '../text/number.ts';

interface Props {
  readonly queue: string;
  readonly state: Exclude<MessageState, 'dead'>;
  readonly rows: readonly MessageRow[];
  readonly selection: Selection;
}

/** Actions for selected messages that wait or run. */
export function WaitingBar({ queue, state, rows, selection }: Props) {
  const ids = rows.map(({ id }) => id);
  const number = count(ids.length);
  return (
    <div class="bulk" role="region" aria-label="Selected messages">
      <SelectedIds ids={ids} clear={selection.clear} />
      {state === 'running' ? (
        <Button
          look="risk"
          icon="stop"
          reason={reasonAgainst('cancelRunning')}
          onClick={() => askToAbort(queue, rows, selection.clear)}
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
