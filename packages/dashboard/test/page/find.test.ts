import { expect, it } from 'vitest';
import { queuesWithLetters } from '../../page/src/pages/queues-with-letters.ts';
import { placeFocus } from '../../page/src/shell/place-focus.ts';
import type { QueueRow } from '../../src/index.ts';

it('a page with a field to type into has the focus there, other pages as a whole', () => {
  const focused: string[] = [];
  const element = (name: string, field: object | null) => ({
    focus: () => void focused.push(name),
    querySelector: () => field,
  });
  placeFocus(element('page', element('field', null)));
  placeFocus(element('page', null));
  expect(focused).toEqual(['field', 'page']);
});

it('a broker without a search for ids offers the queues that hold most dead letters', () => {
  const row = (name: string, dead?: number): QueueRow => ({
    name,
    counts: dead === undefined ? {} : { dead },
    asOf: {},
    trend: [],
  });
  const rows = [
    row('none', 0),
    row('unknown'),
    ...Array.from({ length: 12 }, (_, index) => row(`q${index}`, index + 1)),
  ];
  const names = queuesWithLetters(rows).map(({ name }) => name);
  expect(names).toEqual(['q11', 'q10', 'q9', 'q8', 'q7', 'q6', 'q5', 'q4', 'q3', 'q2']);
});
