import type { ComponentChildren } from 'preact';
import { now } from '../api/clock.ts';
import { age } from '../text/duration.ts';
import { count } from '../text/number.ts';
import { Tip } from './tip.tsx';

/** A number in a table; zero is quiet, a figure that is not known is a dash. */
export function Figure({
  value,
  text = count,
  tone,
}: {
  value: number | undefined;
  text?: (value: number) => string;
  tone?: string;
}) {
  if (value === undefined) return <span class="zero">–</span>;
  return <span class={value === 0 ? 'zero' : tone}>{text(value)}</span>;
}

/** A figure that the broker cannot know, with the reason. */
export function Unknown({ reason, inRow = false }: { reason: string; inRow?: boolean }) {
  return (
    <Tip tip={reason} class="tip cannot" inRow={inRow}>
      unknown
    </Tip>
  );
}

/** When a figure was taken that is not as of now: `as of 4 s ago`. */
export function AsOf({ at, why, children = 'as of' }: { at: number; why: string; children?: ComponentChildren }) {
  return (
    <Tip tip={why} class="tip asof">
      {children} {age(now.value - at)} ago
    </Tip>
  );
}
