import type { ComponentChildren } from 'preact';
import type { IconName } from './glyphs.tsx';
import { Icon } from './icon.tsx';

interface Props {
  readonly icon?: IconName;
  /** `go`: the main one of a view; `risk`: removes something; `kill`: removes it now; `bare`: in rows. */
  readonly look?: 'go' | 'risk' | 'kill' | 'bare' | '';
  readonly small?: boolean;
  /** Why it cannot be used now: it stays in the tab order and says why. */
  readonly reason?: string | undefined;
  /** Read in place of the content. */
  readonly label?: string;
  readonly onClick: () => void;
  readonly children?: ComponentChildren;
}

/** A button that says why, if it cannot be used. */
export function Button({ icon, look = '', small = false, reason, label, onClick, children }: Props) {
  const isIconOnly = children === undefined;
  return (
    <button
      type="button"
      class={`btn ${look} ${small ? 'sm' : ''} ${isIconOnly ? 'icon' : ''}`}
      aria-label={label}
      aria-disabled={reason === undefined ? undefined : 'true'}
      data-tip={reason ?? (isIconOnly ? label : undefined)}
      onClick={(event) => {
        event.stopPropagation();
        if (reason === undefined) onClick();
      }}
    >
      {icon === undefined ? null : <Icon name={icon} size={isIconOnly ? 'normal' : 'small'} />}
      {children}
    </button>
  );
}
