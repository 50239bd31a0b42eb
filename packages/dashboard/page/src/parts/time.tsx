import { now } from '../api/clock.ts';
import { localAndUtc } from '../text/clock-time.ts';
import { relative } from '../text/duration.ts';

/** A time relative to now, or as `children` say; local time and UTC on hover, and when its row has the focus. */
export function Time({ at, class: name, children }: { at: number; class?: string; children?: string }) {
  const date = new Date(at);
  const iso = Number.isNaN(date.getTime()) ? undefined : date.toISOString();
  return (
    <time class={name} dateTime={iso} data-tip={localAndUtc(at)}>
      {children ?? relative(at, now.value)}
    </time>
  );
}
