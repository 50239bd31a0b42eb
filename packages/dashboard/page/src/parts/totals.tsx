import type { ComponentChildren } from 'preact';
import type { IconName } from './glyphs.tsx';
import { Icon } from './icon.tsx';

/** One figure of the strip on top of a page. */
export interface Total {
  readonly name: string;
  readonly icon?: IconName;
  /** Color of the glyph. A figure that needs no look is quiet. */
  readonly tone?: string;
  readonly value: ComponentChildren;
  readonly unit?: string;
  /** One line below: where it comes from, or how it changed. */
  readonly note?: ComponentChildren;
}

/** The strip of figures on top of a page. */
export function Totals({ items, small = false }: { items: readonly Total[]; small?: boolean }) {
  return (
    <dl class={`panel totals ${small ? 'many' : ''}`}>
      {items.map(({ name, icon, tone, value, unit, note }) => (
        <div key={name}>
          <dt>
            {icon === undefined ? null : <Icon name={icon} tone={tone ?? icon} />}
            {name}
          </dt>
          <dd>
            {value}
            {unit === undefined ? null : <small> {unit}</small>}
          </dd>
          <dd class="sub">{note}</dd>
        </div>
      ))}
    </dl>
  );
}
