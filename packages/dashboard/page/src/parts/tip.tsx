import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { visible } from '../text/visible-text.ts';

interface Props {
  readonly tip: string;
  readonly class?: string;
  /** In a row of a table it is no tab stop of its own: a row that gets the focus shows all its explanations. */
  readonly inRow?: boolean;
  readonly children: ComponentChildren;
}

/** A word with an explanation that shows on hover, focus and touch. */
export function Tip({ tip, class: name = 'tip', inRow = false, children }: Props) {
  const text = visible(tip);
  if (inRow) {
    return (
      <span class={name} data-tip={text}>
        {children}
      </span>
    );
  }
  return (
    <button type="button" class={name} data-tip={text}>
      {children}
    </button>
  );
}

const shown = signal<{ readonly target: HTMLElement; readonly text: string } | undefined>(undefined);

const ID = 'tip';

function show(target: HTMLElement | null, text = target?.dataset.tip): void {
  hide();
  if (target === null || text === undefined || text === '') return;
  target.setAttribute('aria-describedby', ID);
  shown.value = { target, text };
}

function hide(): void {
  shown.value?.target.removeAttribute('aria-describedby');
  shown.value = undefined;
}

function tipOf(event: Event): HTMLElement | null {
  return event.target instanceof Element ? event.target.closest<HTMLElement>('[data-tip]') : null;
}

/** A row that gets the focus shows the explanations of its times and figures; its buttons have a focus of their own. */
function showForFocus(event: FocusEvent): void {
  const { target } = event;
  if (!(target instanceof HTMLTableRowElement)) {
    show(tipOf(event));
    return;
  }
  const tips = [...target.querySelectorAll<HTMLElement>('[data-tip]:not(button)')].map(({ dataset }) => dataset.tip);
  show(target, [...new Set(tips)].join(' · '));
}

/** The one bubble of the page; every element with `data-tip` uses it. */
export function TipBubble() {
  const bubble = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const over = (event: PointerEvent) => {
      const target = tipOf(event);
      if (target !== shown.value?.target) show(target);
    };
    const key = (event: KeyboardEvent) => {
      if (event.key === 'Escape') hide();
    };
    document.addEventListener('pointerover', over);
    document.addEventListener('focusin', showForFocus);
    document.addEventListener('focusout', hide);
    document.addEventListener('keydown', key);
    document.addEventListener('scroll', hide, { capture: true, passive: true });
    return () => {
      document.removeEventListener('pointerover', over);
      document.removeEventListener('focusin', showForFocus);
      document.removeEventListener('focusout', hide);
      document.removeEventListener('keydown', key);
      document.removeEventListener('scroll', hide, { capture: true });
    };
  }, []);
  const tip = shown.value;
  useLayoutEffect(() => {
    const element = bubble.current;
    if (element === null || tip === undefined) return;
    const at = tip.target.getBoundingClientRect();
    const { width, height } = element.getBoundingClientRect();
    const left = Math.min(Math.max(8, at.left + at.width / 2 - width / 2), window.innerWidth - width - 8);
    const top = at.top - height - 8 < 8 ? at.bottom + 8 : at.top - height - 8;
    element.style.setProperty('left', `${Math.round(left)}px`);
    element.style.setProperty('top', `${Math.round(top)}px`);
  }, [tip]);
  return (
    <div id={ID} role="tooltip" class="bubble" ref={bubble} hidden={tip === undefined}>
      {tip?.text}
    </div>
  );
}
