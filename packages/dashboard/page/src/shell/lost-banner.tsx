import { connection, reconnect } from '../api/live.ts';
import { now } from '../api/clock.ts';
import { Button } from '../parts/button.tsx';
import { Icon } from '../parts/icon.tsx';
import { Text } from '../parts/text.tsx';
import { age } from '../text/duration.ts';

/** Says that the figures are old, and when the next try is. */
export function LostBanner() {
  const state = connection.value;
  if (state.state !== 'lost') return null;
  const left = Math.max(0, Math.ceil((state.nextTry - now.value) / 1_000));
  return (
    <div class="banner" role="alert">
      <div>
        <Icon name="plug" size="normal" />
        <p>
          <strong>No connection for {age(now.value - state.since)}.</strong> The figures below are from before.{' '}
          <Text value={state.reason} />
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
