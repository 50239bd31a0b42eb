import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { visible } from '../text/visible-text.ts';
import { Icon } from './icon.tsx';
import { Text } from './text.tsx';

interface Props {
  readonly title: string;
  /** Pages above this one: name and address. */
  readonly path?: readonly (readonly [name: string, address: string])[];
  readonly beside?: ComponentChildren;
  readonly children?: ComponentChildren;
}

/** Title of a page with its actions; it is also the title of the browser's tab. */
export function Head({ title, path = [], beside, children }: Props) {
  useEffect(() => {
    document.title = `${visible(title)} · Brokkr`;
  }, [title]);
  return (
    <>
      {path.length === 0 ? null : (
        <nav class="crumbs" aria-label="Path">
          {path.map(([name, address]) => (
            <span key={address}>
              <a href={address}>
                <Text value={name} />
              </a>
              <Icon name="right" />
            </span>
          ))}
          <span>
            <Text value={title} />
          </span>
        </nav>
      )}
      <div class="head">
        <h1 tabIndex={-1}>
          <Text value={title} />
        </h1>
        {beside}
        {children === undefined ? null : <div class="acts">{children}</div>}
      </div>
    </>
  );
}
