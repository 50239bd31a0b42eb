import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LetterArray, LetterTables } from '../../src/dead/letter-output.ts';
import type { ListedLetter } from '../../src/dead/letter-table.ts';

let printed = '';

beforeEach(() => {
  printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});

const letters = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => ({
    queue: 'emails',
    id: `m${from + index}`,
    task: 'greet',
    attempts: [],
    reason: 'no\nstack',
  })) as unknown as ListedLetter[];

it('prints a part of a long list while the rest is read, as tables of 500 rows', () => {
  const output = new LetterTables(50_000, false);
  output.add(letters(500));
  expect(printed.match(/┌/g)).toHaveLength(1);
  expect(printed).toMatch(/│ m499 │/);
  output.add(letters(700, 500));
  output.end(true);
  expect(printed.match(/│ id /g)).toHaveLength(3);
  expect(printed.match(/│ m\d+ /g)).toHaveLength(1_200);
  expect(printed).toMatch(/┘\nmore than 50000; --limit shows more\n$/);
});

it('a list without dead letters is one line, without an empty table', () => {
  new LetterTables(50, true).end(false);
  expect(printed).toBe('no dead letter matches\n');
});

it('prints JSON letter by letter, with the text of one array', () => {
  const output = new LetterArray();
  output.add(letters(2));
  expect(printed).toMatch(/"m0"/);
  output.add(letters(1, 2));
  output.end();
  expect(printed).toBe(`${JSON.stringify(letters(3), null, 2)}\n`);
});

it('prints JSON of an empty list as an empty array', () => {
  new LetterArray().end();
  expect(printed).toBe('[]\n');
});
