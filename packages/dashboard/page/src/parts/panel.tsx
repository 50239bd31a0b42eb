import type { ComponentChildren } from 'preact';

interface Props {
  readonly title?: string;
  /** A number or word beside the title. */
  readonly note?: ComponentChildren;
  readonly actions?: ComponentChildren;
  readonly footer?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A framed part of a page. */
export function Panel({ title, note, actions, footer, children }: Props) {
  return (
    <section class="panel" aria-label={title}>
      {title === undefined ? null : (
        <header>
          <h2>{title}</h2>
          {note === undefined ? null : <span class="n">{note}</span>}
          {actions === undefined ? null : <div class="acts">{actions}</div>}
        </header>
      )}
      {children}
      {footer === undefined ? null : <footer>{footer}</footer>}
    </section>
  );
}
