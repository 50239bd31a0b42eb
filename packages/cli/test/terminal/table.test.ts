import { expect, it } from 'vitest';
import { table } from '../../src/terminal/table.ts';

it('fits each column to its widest line, also of several lines and wide characters', () => {
  expect(
    table(
      ['id', 'runs', 'count'],
      [
        ['日本', 'one\nthree', 1],
        ['a\u001b[2J', '', undefined],
      ],
    ),
  ).toBe(
    [
      '┌────────────┬───────┬───────┐',
      '│ id         │ runs  │ count │',
      '├────────────┼───────┼───────┤',
      '│ 日本       │ one   │ 1     │',
      '│            │ three │       │',
      '├────────────┼───────┼───────┤',
      '│ a\\u001b[2J │       │ ?     │',
      '└────────────┴───────┴───────┘',
    ].join('\n'),
  );
});

it('draws ten times as many rows in about ten times the time', () => {
  const rows = Array.from({ length: 20_000 }, (_, index) => [`id-${index}`, 'mail', 'SMTP said 502', index]);
  const cpuOf = (count: number) => {
    const before = process.cpuUsage();
    table(['id', 'task', 'reason', 'count'], rows.slice(0, count));
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  };
  cpuOf(2_000);
  const few = Math.max(...Array.from({ length: 3 }, () => cpuOf(2_000)));
  expect(cpuOf(20_000)).toBeLessThan(50 * Math.max(few, 2));
});
