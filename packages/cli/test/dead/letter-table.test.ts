import { expect, it } from 'vitest';
import { type ListedLetter, letterTable } from '../../src/dead/letter-table.ts';

const letter = {
  queue: 'emails',
  id: 'a',
  task: 'greet',
  attempts: [],
  reason: 'no\nstack',
} as unknown as ListedLetter;

it('a list without dead letters is one line, without an empty table', () => {
  expect(letterTable([], 50, true)).toBe('no dead letter matches');
});

it('a letter that crashed its workers shows its crashes if no attempt ended', () => {
  const shown = (given: object) => letterTable([{ ...letter, ...given } as ListedLetter], 50, false);
  expect(shown({ crashes: 3 })).toMatch(/│ crashed 3 times │/);
  expect(shown({ crashes: 1 })).toMatch(/│ crashed once │/);
  expect(shown({ crashes: 1, attempts: [{ attempt: 2 }] })).toMatch(/│ 2 +│/);
});

it('a list of dead letters is a table, with a line if there are more', () => {
  expect(letterTable([letter], 50, true)).toMatch(/^┌[\s\S]*│ emails │ a {2}│ greet │[\s\S]*│ no {5}│\n└.*┘$/);
  expect(letterTable([letter, letter], 1, false)).toMatch(/┘\nmore than 1; --limit shows more$/);
});
