import type { LivingWorker } from '@brokkr/core/adapter';
import { expect, it } from 'vitest';
import { asRunTable, asTable } from '../../src/commands/workers.ts';

const worker: LivingWorker = {
  id: 'w1',
  host: 'h',
  pid: 1,
  version: '0.1.0',
  startedAt: 0,
  state: 'running',
  queues: { pdf: 1 },
  paused: [],
  concurrency: 8,
  running: [],
  runningCount: 1,
  totals: [],
  rssBytes: 1,
  loopDelayMs: 1,
  ageMs: 0,
};

it('the table of workers names the suspect for which messages wait, and what the worker does', () => {
  const suspect = { id: 'KOfGUxe__qVKB9rp5RlpyR', task: 'render', queue: 'pdf', crashes: 2, runs: true, since: 1_000 };
  const shown = asTable(
    [
      { ...worker, suspect },
      { ...worker, id: 'w2', suspect: { ...suspect, runs: false } },
    ],
    46_000,
  );
  expect(shown).toMatch(/│ w1 +│ running, suspect │/);
  expect(shown.split('\n').slice(-2)).toEqual([
    'message KOfGUxe__qVKB9rp5RlpyR (render in pdf) was in 2 crashes: w1 runs it alone, for 45 s; its other messages wait',
    'message KOfGUxe__qVKB9rp5RlpyR (render in pdf) was in 2 crashes: w2 finishes its other tasks before it runs it alone, for 45 s; its other messages wait',
  ]);
  expect(asTable([worker], 0)).not.toContain('suspect');
});

it('the table of workers marks those that are silent', () => {
  const shown = asTable(
    [
      { ...worker, ageMs: 12_001 },
      { ...worker, id: 'w2', ageMs: 12_000 },
    ],
    60_000,
  );
  expect(shown).toMatch(/│ w1 +│ running, silent │/);
  expect(shown).toMatch(/│ w2 +│ running +│/);
});

it('the table of running tasks has the last report of a worker that is silent, with its age', () => {
  const task = { id: 'm1', task: 'render', queue: 'pdf', attempt: 1, startedAt: 0 };
  const shown = asRunTable([{ ...worker, running: [task], ageMs: 22_000 }], 60_000);
  expect(shown).toMatch(/│ m1 │ render │ pdf +│ 1 +│ 60 s +│ w1 +│ 22 s ago │/);
  const silent = 'w1 has reported nothing for 22 s: its event loop is blocked, or it lost the broker';
  expect(shown).toContain(`\n${silent}`);
  expect(asRunTable([{ ...worker, running: [task], ageMs: 12_000 }], 60_000)).not.toContain('has reported nothing');
  expect(asRunTable([{ ...worker, runningCount: 0, ageMs: 22_000 }], 60_000)).toMatch(
    /^no task runs\nw1 has reported nothing/,
  );
});
