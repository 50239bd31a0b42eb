import type { LetterQuery, MessageRow } from '../../../src/api/types.ts';
import { wordsOf } from '../actions/letter-filter.ts';
import { askToDiscard, askToMove, retry } from '../actions/message-actions.ts';
import { Button } from '../parts/button.tsx';
import { SelectedIds } from '../parts/selected-ids.tsx';
import type { Selection } from '../parts/selection.ts';
import { route } from '../route/route.ts';
import { count, plural } from '../text/number.ts';
import { useLetterCount } from './use-letter-count.ts';

interface Props {
  readonly queue: string;
  readonly filter: LetterQuery;
  readonly items: readonly MessageRow[];
  readonly selection: Selection;
  /** How many match, if the server looked at all of them. */
  readonly matched: number | undefined;
  /** When they were counted, by the server's clock. */
  readonly countedAt: number;
}

/** Actions for the dead letters that are selected; without a selection for all that match the filter. */
export function LetterBar({ queue, filter, items, selection, matched, countedAt }: Props) {
  const counting = useLetterCount();
  const ids = items.map(({ id }) => id).filter(selection.has);
  if (counting.looked !== undefined) {
    return (
      <div class="bulk" role="status">
        <span class="sum">Counting: looked at {count(counting.looked)} so far.</span>
        <Button onClick={counting.stop}>Stop</Button>
      </div>
    );
  }
  if (ids.length > 0) {
    const number = count(ids.length);
    return (
      <div class="bulk" role="region" aria-label="Selected messages">
        <SelectedIds ids={ids} clear={selection.clear} />
        <Button icon="move" onClick={() => askToMove(queue, ids, selection.clear)}>
          Move…
        </Button>
        <Button look="risk" icon="trash" onClick={() => askToDiscard(queue, ids, selection.clear)}>
          Discard…
        </Button>
        <Button
          look="go"
          icon="retry"
          onClick={() => {
            retry(queue, ids);
            selection.clear();
          }}
        >
          Retry {number}
        </Button>
      </div>
    );
  }
  const matching = { queue, filter, countedAt, facts: wordsOf(filter, route.value.query.since) };
  const all = matched === undefined ? 'all that match' : count(matched);
  return (
    <div class="bulk" role="region" aria-label="All messages that match">
      <span class="sum">
        {matched === undefined ? 'All that match the filter' : <b>{plural(matched, 'message')} match</b>}
      </span>
      <Button icon="move" onClick={() => counting.begin('move', matching, matched)}>
        Move…
      </Button>
      <Button look="risk" icon="trash" onClick={() => counting.begin('discard', matching, matched)}>
        Discard…
      </Button>
      <Button look="go" icon="retry" onClick={() => counting.begin('retry', matching, matched)}>
        Retry {all}…
      </Button>
    </div>
  );
}
