import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunOutcome } from '../../src/middleware/telemetry.ts';
import { CellTable } from '../../src/worker/cell-table.ts';
import { DURATION_BOUNDS, Durations } from '../../src/worker/durations.ts';
import { Stats } from '../../src/worker/stats.ts';

const outcomes: readonly RunOutcome[] = [
  'succeeded',
  'retried',
  'dead',
  'expired',
  'cancelled',
  'lease_lost',
  'interrupted',
  'unknown',
];

const delivery = fc.record({
  queue: fc.constantFrom('a', 'b', '__proto__'),
  task: fc.constantFrom('x', 'y', 'constructor', undefined),
  outcome: fc.constantFrom(...outcomes),
  ranMs: fc.oneof(fc.constant(-1), fc.double({ min: 0, max: 1e6, noNaN: true })),
  waitedMs: fc.nat(1e9),
  error: fc.constantFrom(undefined, new TypeError('no'), { code: 'E1' }, 'thrown'),
});

type Deliveries = readonly (typeof delivery extends fc.Arbitrary<infer T> ? T : never)[];

function statsOf(deliveries: Deliveries): Stats {
  const stats = new Stats();
  for (const { queue, task, outcome, ranMs, waitedMs, error } of deliveries)
    stats.ended(queue, task, outcome, ranMs, waitedMs, error);
  return stats;
}

describe('the counts of a worker', () => {
  it('are those of a plain recount, for any deliveries', () => {
    fc.assert(
      fc.property(fc.array(delivery, { maxLength: 60 }), (deliveries) => {
        const stats = statsOf(deliveries);
        for (const outcome of outcomes) {
          expect(stats.outcomes()[outcome]).toBe(deliveries.filter((each) => each.outcome === outcome).length);
        }
        for (const cell of stats.cells()) {
          const own = deliveries.filter(({ queue, task = '_other' }) => queue === cell.queue && task === cell.task);
          const ran = own.filter(({ ranMs }) => ranMs >= 0);
          expect(Object.values(cell.outcomes).reduce((sum, count) => sum + count)).toBe(own.length);
          expect([cell.ran.total, cell.waited.total]).toEqual([ran.length, ran.length]);
          expect(cell.waited.sumMs).toBe(ran.reduce((sum, { waitedMs }) => sum + waitedMs, 0));
          for (const [index, bound] of DURATION_BOUNDS.entries()) {
            const below = cell.ran.counts.slice(0, index + 1).reduce((sum, count) => sum + count);
            expect(below).toBe(ran.filter(({ ranMs }) => ranMs <= bound * 1_000).length);
          }
          const retries = [...cell.retries.values()].reduce((sum, count) => sum + count, 0);
          expect(retries).toBe(cell.outcomes.retried);
        }
      }),
    );
  });

  it('are the same whether one worker ran the deliveries or two did', () => {
    fc.assert(
      fc.property(fc.array(delivery), fc.array(delivery), (one, other) => {
        const sum = statsOf(one);
        sum.add(statsOf(other));
        const byName = (stats: Stats) =>
          stats
            .totals()
            .map(({ ran: { counts }, waited, ...totals }) => JSON.stringify({ ...totals, counts, waited }))
            .sort();
        expect(byName(sum)).toEqual(byName(statsOf([...one, ...other])));
      }),
    );
  });

  it('have at most 200 totals, the rest of them in one', () => {
    const stats = new Stats();
    for (let n = 0; n < 500; n++) stats.ended(`q${n % 40}`, `task-${n}`, 'succeeded', 1, 1);
    const totals = stats.totals();
    expect(totals).toHaveLength(200);
    expect(totals.reduce((sum, { succeeded }) => sum + succeeded, 0)).toBe(500);
    expect(totals.at(-1)).toMatchObject({ queue: '_other', task: '_other' });
  });
});

describe('a table of cells', () => {
  it('never has more than 300 cells, and puts the rest under _other', () => {
    const table = new CellTable((queue, task) => ({ queue, task, count: 0 }));
    for (let n = 0; n < 10_000; n++) table.get(`queue-${n % 1_000}`, `task-${n}`).count++;
    const cells = [...table];
    expect(cells.length).toBeLessThanOrEqual(301);
    expect(cells.reduce((sum, { count }) => sum + count, 0)).toBe(10_000);
    expect(cells.some(({ queue, task }) => queue === '_other' && task === '_other')).toBe(true);
  });

  it('returns the same cell for a name, also once it is full', () => {
    const table = new CellTable((queue, task) => ({ queue, task }));
    const first = table.get('q', 'first');
    for (let n = 0; n < 1_000; n++) table.get('q', `task-${n}`);
    expect(table.get('q', 'first')).toBe(first);
    expect(table.get('q', 'new')).toBe(table.get('q', 'newer'));
    expect(table.get('q', 'new')).toMatchObject({ queue: 'q', task: '_other' });
  });
});

describe('durations', () => {
  it('count a duration that equals a bound below it, and longer ones than all bounds in the last class', () => {
    const durations = new Durations();
    for (const ms of [0, 5, 5.001, 300_000, 300_001, 1e12]) durations.observe(ms);
    expect(durations.counts).toEqual([2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
    expect(durations.total).toBe(6);
  });
});
