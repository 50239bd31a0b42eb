import { connection, stopped } from '../api/live.ts';
import { overview } from '../api/live-data.ts';
import { type ShownState, shownState } from './shown-state.ts';

const WORDS: Readonly<Record<ShownState, string>> = {
  opening: 'Connecting',
  live: 'Live',
  polling: 'Polling',
  stopped: 'Stopped',
  lost: 'Lost',
  'no-broker': 'No broker',
};
const TIPS: Readonly<Record<ShownState, string>> = {
  opening: 'Waiting for the first figures.',
  live: 'Figures arrive as they change. Click to stop them.',
  polling: 'The stream is silent, perhaps because of a proxy: figures are fetched every 10 s. Click to stop them.',
  stopped: 'Figures do not change. Click to go on.',
  lost: 'The dashboard does not answer. Click to stop trying.',
  'no-broker': 'The dashboard answers, but it cannot reach the broker. It tries again every few seconds.',
};

/** How the page gets its figures. A click stops them, and lets them go on. */
export function ConnectionMark() {
  const state = shownState(connection.value.state, overview.value);
  return (
    <button
      type="button"
      class={`live ${state}`}
      aria-pressed={stopped.value}
      data-tip={TIPS[state]}
      onClick={() => {
        stopped.value = !stopped.value;
      }}
    >
      <span class="dot" />
      {WORDS[state]}
    </button>
  );
}
