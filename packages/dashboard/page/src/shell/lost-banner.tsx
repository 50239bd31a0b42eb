import { connection, reconnect } from '../api/live.ts';
import { overview } from '../api/live-data.ts';
import { now } from '../api/clock.ts';
import { Button } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { Text } from '../parts/text.tsx';
import { timeOfDay } from '../text/clock-time.ts';
import { age } from '../text/duration.ts';
import { shownState } from './shown-state.ts';

/** Says that the figures are old, of what time they are, and when the next try is. */
export function LostBanner() {
  const state = connection.value;
  const whole = overview.value;
  if (state.state === 'lost') {
    const left = Math.max(0, Math.ceil((state.nextTry - now.value) / 1_000));
    return (
      <div class="banner" role="alert">
        <div>
          <Icon name="plug" size="normal" />
          <p>
            <strong>No connection for {age(now.value - state.since)}.</strong> <Figures /> <Text value={state.reason} />
          </p>
          <div class="acts">
            <Button small onClick={reconnect}>
              {left === 0 ? 'Trying…' : `Try now (in ${left} s)`}
            </Button>
          </div>
        </div>
      </div>
    );
  }
  if (shownState(state.state, whole) !== 'no-broker') return null;
  return (
    <div class="banner" role="alert">
      <div>
        <Icon name="plug" size="normal" />
        <p>
          <strong>No broker.</strong> <Figures /> <Text value={whole?.error?.message ?? ''} />
        </p>
      </div>
    </div>
  );
}

function Figures() {
  const whole = overview.value;
  // Of a broker that was never reached, the time is that of the dashboard's start.
  if (whole?.lookedSince === undefined) return <>No figures have arrived yet.</>;
  return <>The figures are from {timeOfDay(whole.at)}.</>;
}
