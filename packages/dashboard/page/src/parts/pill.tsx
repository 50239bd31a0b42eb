import type { ComponentChildren } from 'preact';
import type { IconName } from './glyphs.tsx';
import { Icon } from './icon.tsx';

/** States of messages and queues, each with a glyph, a word and a color. */
export type StateName = 'ready' | 'delayed' | 'running' | 'succeeded' | 'failed' | 'dead' | 'paused';

/** A state as a small label. `plain` has no color. */
export function Pill({
  state,
  icon,
  children,
}: {
  state: StateName | 'plain';
  icon?: IconName;
  children: ComponentChildren;
}) {
  const glyph = icon ?? (state === 'plain' ? undefined : state);
  return (
    <span class={`pill ${state}`}>
      {glyph === undefined ? null : <Icon name={glyph} />}
      <span class="lbl">{children}</span>
    </span>
  );
}
