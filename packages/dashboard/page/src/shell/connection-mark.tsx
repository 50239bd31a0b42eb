import { connection, stopped } from '../api/live.ts';

const WORDS = { opening: 'Connecting', live: 'Live', polling: 'Polling', stopped: 'Stopped', lost: 'Lost' };
const TIPS = {
  opening: 'Waiting for the first figures.',
  live: 'Figures arrive as they change. Click to stop them.',
  polling: 'The stream is silent, perhaps because of a proxy: figures are fetched every 10 s. Click to stop them.',
  stopped: 'Figures do not change. Click to go on.',
  lost: 'The dashboard does not answer. Click to stop trying.',
};

/** How the page gets its figures. A click stops them, and lets them go on. */
export function ConnectionMark() {
  const { state } = connection.value;
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
