import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { visible } from '../text/visible-text.ts';

/** A word with an explanation that shows on hover, focus and touch. */
export function Tip({
  tip,
  class: name = 'tip',
  children,
}: {
  tip: string;
  class?: string;
  children: ComponentChildren;
}) {
  return (
    <button type="button" class={name} data-tip={visible(tip)}>
      {children}
    </button>
  );
}

const shown = signal<{ readonly target: HTMLElement; readonly text: string } | undefined>(undefined);

const ID = 'tip';

function show(target: HTMLElement | null): void {
  hide();
  const text = target?.dataset.tip;
  if (target === null || text === undefined) return;
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

/** If a row gets the focus, its first time explains itself, so that times need no tab stop each. */
function tipOfFocus(event: FocusEvent): HTMLElement | null {
  const own = tipOf(event);
  if (own !== null || !(event.target instanceof HTMLTableRowElement)) return own;
  return event.target.querySelector<HTMLElement>('time[data-tip]');
}

/** The one bubble of the page; every element with `data-tip` uses it. */
export function TipBubble() {
  const bubble = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const over = (event: PointerEvent) => {
      const target = tipOf(event);
      if (target !== shown.value?.target) show(target);
    };
    const focus = (event: FocusEvent) => show(tipOfFocus(event));
    const key = (event: KeyboardEvent) => {
      if (event.key === 'Escape') hide();
    };
    document.addEventListener('pointerover', over);
    document.addEventListener('focusin', focus);
    document.addEventListener('focusout', hide);
    document.addEventListener('keydown', key);
    document.addEventListener('scroll', hide, { capture: true, passive: true });
    return () => {
      document.removeEventListener('pointerover', over);
      document.removeEventListener('focusin', focus);
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
