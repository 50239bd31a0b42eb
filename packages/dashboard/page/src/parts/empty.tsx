import type { ComponentChildren } from 'preact';
import type { IconName } from './glyphs.tsx';
import { Icon } from './icon.tsx';

/** In place of a list that has no rows: why, then the next step. */
export function Empty({ icon, title, children }: { icon: IconName; title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <Icon name={icon} size="normal" />
      <h2>{title}</h2>
      {children}
    </div>
  );
}
