import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { PrinterOptions } from '../../../src/logging/printer/printer-options.ts';
import { terminalPrinter } from '../../../src/logging/printer/terminal-printer.ts';

const TIME = Date.UTC(2026, 10, 28, 14, 3, 7, 412);
const HOSTILE = 'a\u001b]0;x\u0007\u009b2J\u202eb\nc';
const task = { id: 'SmDWq0Zk3vR7QqJWG7Nv7q', name: 'invoice.pdf', queue: 'pdf', attempt: 1 };
const stack = [
  'Error: renderer said 502 for order 3',
  `    at flaky (file://${join(process.cwd(), 'src', 'tasks.ts')}:5:30)`,
  '    at /srv/shop/lib/render.ts:9:1',
  '    at run (/srv/shop/node_modules/p-queue/index.js:1:1)',
  '    at Execution.start (file:///srv/shop/node_modules/@brokkr/core/dist/index.js:1:1)',
  '    at process.processTimers (node:internal/timers:519:7)',
].join('\n');
const error = { type: 'Error', message: 'renderer said 502 for order 3', stack };
const cause = { name: 'Error', message: 'connect ECONNREFUSED', stack: 'Error\n    at dial (/srv/shop/http.ts:1:2)' };

function printed(records: readonly object[], options: Partial<PrinterOptions> = {}): string {
  const settings = { colors: false, unicode: true, width: () => 200, time: 'utc', stack: 'application' } as const;
  const print = terminalPrinter({ ...settings, ...options });
  return records.map((record) => print(`${JSON.stringify({ level: 30, time: TIME, pid: 7, ...record })}\n`)).join('');
}

const SAMPLES = [
  { worker: 'vm:17:UeB9', queues: ['emails', 'pdf'], concurrency: 8, msg: 'worker started' },
  { level: 40, task, durationMs: 1.23, error, nextAt: new Date(TIME + 1_000).toISOString(), msg: 'task failed' },
  { level: 40, task, durationMs: 0.3, nextAt: new Date(TIME + 300_000).toISOString(), msg: 'task will run again' },
  { level: 50, task, durationMs: 61_000, error: { ...error, cause }, reason: 'Error: renderer', msg: 'task is dead' },
  { level: 50, task, durationMs: 0, crashes: 3, reason: 'it crashed its worker 3 times', msg: 'task is dead' },
  { task, smtp: 250, to: 'a@x.org', msg: 'sent' },
  { level: 20, task, durationMs: 12.5, msg: 'task succeeded' },
  { level: 40, code: 'SERVER_FORGETS', msg: `Redis keeps no file${' and may lose messages'.repeat(10)}` },
  { level: 60, error, msg: 'nothing caught an error' },
  { succeeded: 11, retrying: 8, dead: 10, expired: 0, leaseLost: 0, running: 0, msg: 'tasks in the last minute' },
  { queue: HOSTILE, nested: { a: [1, HOSTILE] }, empty: '', msg: HOSTILE },
  { level: 30, error: 'only text', msg: 'an error that is not an object' },
];

describe('log lines on a terminal', () => {
  it.each([
    [80, false],
    [80, true],
    [200, false],
    [200, true],
  ])('have %i columns, colors: %s', (width, colors) => {
    expect(printed(SAMPLES, { width: () => width, colors })).toMatchSnapshot();
  });

  it('fit the width, except for errors and commands', () => {
    const samples = SAMPLES.filter((sample) => !('error' in sample) && !('reason' in sample));
    for (const width of [40, 80]) {
      const lines = printed(samples, { width: () => width, colors: true })
        .trimEnd()
        .split('\n');
      expect(lines).toHaveLength(samples.length);
      for (const line of lines) expect(stripVTControlCharacters(line).length).toBeLessThanOrEqual(width);
    }
  });

  it('use ASCII marks on a terminal without Unicode', () => {
    expect(printed(SAMPLES.slice(0, 10), { unicode: false })).toMatch(/^[ -~\n]+$/);
  });

  it('begin with the number of the process, if there are several', () => {
    expect(printed([{ msg: 'a' }], { process: 2 })).toBe('#2 14:03:07.412   a\n');
  });

  it('have the full stacks, and the full time, if that is set', () => {
    const text = printed([{ level: 50, error: { ...error, cause }, msg: 'a' }], { stack: 'full', time: 'iso' });
    expect(text).toContain('2026-11-28T14:03:07.412Z');
    expect(text.match(/^ +at /gm)).toHaveLength(6);
  });

  it('show every character that a terminal would act on', () => {
    const hostile = { level: 50, task: { ...task, name: HOSTILE, queue: HOSTILE }, reason: HOSTILE, [HOSTILE]: 1 };
    const text = printed([
      hostile,
      { msg: HOSTILE, error: { message: HOSTILE, type: HOSTILE, stack: `x\n at ${HOSTILE}` } },
    ]);
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
    expect(text).not.toMatch(/^c/m);
  });

  it('print a line that is not JSON as it is', () => {
    const print = terminalPrinter({ colors: false, unicode: true, width: () => 80, time: 'utc', stack: 'full' });
    expect(print('not\u001b JSON\n')).toBe('not\\u001b JSON\n');
    expect(print('[1]\n')).toBe('[1]\n');
  });

  it('show records of any shape', () => {
    const odd = [{ time: 'x' }, { time: null, level: 'y' }, { task: 1, error: null }, { queues: [1], concurrency: 2 }];
    expect(printed(odd).split('\n')).toHaveLength(5);
  });
});

describe('an error of a task that repeats', () => {
  const failure = (at: number, name = 'a') => ({
    level: 40,
    time: TIME + at,
    task: { ...task, name },
    error,
    nextAt: new Date(TIME + at).toISOString(),
    msg: 'task failed',
  });

  it('is printed five times within ten seconds, then counted', () => {
    const text = printed([
      ...Array.from({ length: 219 }, (_, index) => failure(index)),
      failure(300, 'b'),
      { time: TIME + 10_500, msg: 'later' },
    ]);
    expect(text.match(/↻ a /g)).toHaveLength(5);
    expect(text.match(/↻ b /g)).toHaveLength(1);
    expect(text).toMatch(/… 214 more of a: Error: renderer said 502 for order 3\n.*later\n$/);
  });

  it('is printed again after ten seconds', () => {
    const text = printed([...Array.from({ length: 7 }, (_, index) => failure(index)), failure(11_000)]);
    expect(text.match(/↻ a /g)).toHaveLength(6);
    expect(text).toContain('… 2 more of a');
  });

  it('is counted before the last line of the worker', () => {
    const text = printed([...Array.from({ length: 6 }, (_, index) => failure(index)), { msg: 'worker stopped' }]);
    expect(text).toMatch(/… 1 more of a.*\n.*worker stopped\n$/);
  });
});
