import type { MessageState } from '../../../src/api/types.ts';
import { Empty } from '../parts/empty.tsx';

const TEXTS = {
  ready: ['No message waits', 'Messages appear here when they are sent faster than workers take them.'],
  delayed: ['Nothing is delayed', 'Messages with a delay, and retries of failed attempts, wait here.'],
  running: ['Nothing runs', 'What the living workers run now appears here, by their reports.'],
  dead: [
    'Nothing is dead here',
    'A message comes here when its last attempt fails, or when it fails in a way that no retry can help.',
  ],
} as const;

/** Why a list has no rows. */
export function EmptyMessages({ state, isFiltered, all }: { state: MessageState; isFiltered: boolean; all: string }) {
  if (isFiltered) {
    return (
      <Empty icon="search" title="No message matches">
        <p>
          <a href={all}>Remove the filters</a>
        </p>
      </Empty>
    );
  }
  const [title, text] = TEXTS[state];
  return (
    <Empty icon={state === 'dead' ? 'succeeded' : state} title={title}>
      <p>{text}</p>
    </Empty>
  );
}
