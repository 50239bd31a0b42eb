import * as core from '@brokkr/core';
import * as adapter from '@brokkr/core/adapter';
import { expect, it } from 'vitest';
import { groupTable, LetterGroups } from '../../src/dead/letter-groups.ts';
import type { OpenedBroker } from '../../src/app/open-broker.ts';

const tools = { adapter, core } as unknown as Pick<OpenedBroker, 'adapter' | 'core'>;

function letter(reason: string, at: number, task = 'mail') {
  const message = { id: 'm', queue: 'emails', body: new Uint8Array(), headers: { 'brokkr-task': task } };
  return adapter.deadLetterEnvelope(message, reason, { at, by: 'w' });
}

it('dead letters are grouped by queue, task and error without its numbers, the largest group first', () => {
  const groups = new LetterGroups(tools);
  groups.add('emails', letter('Error: no address 7', 5_000));
  groups.add('emails', letter('Error: no address 81', 1_000));
  groups.add('emails', letter('Error: no address 81', 3_000, 'other'));
  groups.add('pdf', letter('Error: renderer said 502 for order 12', 9_000));
  groups.add('pdf', letter('Error: renderer said 502 for order 13', 9_000));
  groups.add('pdf', letter('Error: renderer said 502 for order 14', 9_000));
  expect(groups.all).toEqual([
    {
      queue: 'pdf',
      task: 'mail',
      error: 'Error: renderer said 502 for order #',
      count: 3,
      firstAt: 9_000,
      lastAt: 9_000,
    },
    { queue: 'emails', task: 'mail', error: 'Error: no address #', count: 2, firstAt: 1_000, lastAt: 5_000 },
    { queue: 'emails', task: 'other', error: 'Error: no address #', count: 1, firstAt: 3_000, lastAt: 3_000 },
  ]);
  expect(groupTable(groups.all, 6, true)).toMatch(/│ 3 +│ pdf +│ mail +│ Error: renderer said 502 for order # │/);
});

it('the table says if not every letter was looked at', () => {
  const groups = new LetterGroups(tools);
  groups.add('emails', letter('Error: no', 5_000));
  expect(groupTable(groups.all, 1_000, false)).toMatch(/\nof the first 1000 dead letters; --limit looks at more$/);
  expect(groupTable(groups.all, 1, true)).toMatch(/┘$/);
  expect(groupTable([], 1_000, false)).toBe(
    'no dead letter matches of the first 1000 dead letters; --limit looks at more',
  );
});

it('errors without end are 10,000 groups, and one for the others', () => {
  const groups = new LetterGroups(tools);
  const name = (n: number) => [...String(n)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
  for (let n = 0; n < 10_010; n++) groups.add('emails', letter(`Error: ${name(n)}`, 5_000));
  expect(groups.all).toHaveLength(10_001);
  expect(groups.all[0]).toMatchObject({ error: '(other errors)', count: 10 });
});
