import { broker } from '../api/session.ts';
import { ask } from '../parts/dialog.tsx';
import { link, open } from '../route/route.ts';

/** Pages by the letter after `g`. */
export const GO: Readonly<Record<string, readonly [page: string, name: string]>> = {
  o: ['overview', 'Overview'],
  q: ['queues', 'Queues'],
  t: ['tasks', 'Tasks'],
  w: ['workers', 'Workers'],
  d: ['dead', 'Dead'],
  s: ['schedules', 'Schedules'],
  b: ['bulk', 'Bulk'],
  f: ['find', 'Find a message'],
};

let afterG = 0;

/** Keys that work everywhere but in fields and dialogs. */
export function listenForShortcuts(): void {
  document.addEventListener('keydown', (event) => {
    const target = event.target as HTMLElement;
    const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName) && !target.matches('[type=checkbox]');
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
    const page = event.timeStamp - afterG < 1_500 ? GO[event.key]?.[0] : undefined;
    afterG = event.key === 'g' ? event.timeStamp : 0;
    if (page !== undefined) open(link([broker.value?.name ?? '', page]));
    else if (event.key === '/') focus(event, '.field input:not([readonly])');
    else if (event.key === 'j' && target.closest('tbody') === null) focus(event, 'tbody tr[tabindex]');
    else if (event.key === '?') showKeys();
  });
}

function focus(event: KeyboardEvent, selector: string): void {
  const element = document.querySelector<HTMLElement>(`main ${selector}`);
  if (element === null) return;
  event.preventDefault();
  element.focus();
}

/** Lists the keys. */
export function showKeys(): void {
  ask({
    title: 'Keys',
    text: 'They work everywhere but in fields.',
    facts: [
      ['/', 'search on this page'],
      ['j  k', 'next and previous row, also with arrows'],
      ['x', 'select the row'],
      ['Enter', 'open the row'],
      ...Object.entries(GO).map(([key, [, name]]) => [`g  ${key}`, name] as const),
      ['Esc', 'close, leave a field'],
    ],
    cancel: 'Close',
  });
}
