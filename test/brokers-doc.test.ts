import { FEATURES } from '@brokkr/core/adapter';
import { describe, expect, it } from 'vitest';
import { brokerTable, leftOut } from './support/broker-table.ts';
import { readPage } from './support/markdown.ts';

describe('the tables of features by broker follow from capabilities and parts', () => {
  it.each([
    ['docs/brokers.md', 'all', false],
    ['README.md', 'differences', true],
  ])('%s', async (page, name, isMajor) => {
    const [, printed] =
      new RegExp(`<!-- brokers: ${name} -->\n\n([\\s\\S]*?)\n\n<!-- /brokers -->`).exec(readPage(page)) ?? [];
    expect(printed).toBe(await brokerTable({ isMajor }));
  });

  it('a capability or part that no row is about is known to be internal', async () => {
    expect(await leftOut()).toEqual(['maxDelayMs', 'sendsAtOnce']);
  });
});

it('docs/brokers.md lists every feature that `requires` takes', () => {
  const [, printed] = /<!-- features -->\n\n([\s\S]*?)\n\n<!-- \/features -->/.exec(readPage('docs/brokers.md')) ?? [];
  const rows = Object.entries(FEATURES).map(([name, { description }]) => `| \`${name}\` | ${description} |`);
  expect(printed).toBe(['| name | the broker can do this |', '| --- | --- |', ...rows].join('\n'));
});
