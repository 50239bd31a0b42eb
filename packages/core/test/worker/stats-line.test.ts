import pino from 'pino';
import { expect, it } from 'vitest';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { Stats } from '../../src/worker/stats.ts';
import { StatsLine } from '../../src/worker/stats-line.ts';

function setUp() {
  const lines: string[] = [];
  const clock = new ManualClock();
  const stats = new Stats();
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  return { lines, clock, stats, line: new StatsLine(stats, clock, logger, () => 0) };
}

it('the counts of a minute are logged in one line, and those of the rest when the worker stops', async () => {
  const { lines, clock, stats, line } = setUp();
  stats.ended('q', 'task', 'succeeded', 1, 0);
  line.arm();
  await clock.advance(60_000);
  expect(lines).toHaveLength(1);
  stats.ended('q', 'task', 'dead', 1, 0);
  line.arm();
  line.stop();
  expect(lines).toHaveLength(2);
});

it('a count that comes after the stop arms no timer, which would keep the process alive', async () => {
  const { lines, clock, stats, line } = setUp();
  line.stop();
  stats.ended('q', 'task', 'unknown', 1, 0);
  stats.ended('q', 'task', 'succeeded', 1, 0);
  line.arm();
  await clock.advance(120_000);
  expect(lines).toEqual([]);
});
