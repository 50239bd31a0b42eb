import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { afterEach, expect, it } from 'vitest';
import { LoopGuard } from '../../src/event-loop/loop-guard.ts';

const module = new URL('./counting-thread.js', import.meta.url);
const AFTER_MS = 200;
let guard: LoopGuard | undefined;
afterEach(() => guard?.close());

function block(until: () => boolean, boundMs: number): void {
  const giveUpAt = performance.now() + boundMs;
  while (!until() && performance.now() < giveUpAt);
}

it('works only while the event loop is blocked, and closes its module afterwards', async () => {
  const calls = new Int32Array(new SharedArrayBuffer(12));
  const [opened, renewed, closed] = [0, 1, 2].map((at) => () => Atomics.load(calls, at)) as (() => number)[];
  guard = LoopGuard.start({ module, data: { calls }, afterMs: AFTER_MS, everyMs: AFTER_MS / 2 });
  await sleep(3 * AFTER_MS);
  expect(opened?.()).toBe(0);
  block(() => (renewed?.() ?? 0) >= 3, 10_000);
  expect(renewed?.()).toBeGreaterThanOrEqual(3);
  await expect.poll(() => closed?.(), { timeout: 5_000 }).toBe(1);
  const before = renewed?.();
  await sleep(3 * AFTER_MS);
  expect(renewed?.()).toBe(before);
  block(() => (opened?.() ?? 0) === 2, 10_000);
  expect(opened?.()).toBe(2);
});

it('starts no thread for a module that is not there, and says so', () => {
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(line) });
  const missing = new URL('./missing.js', import.meta.url);
  guard = LoopGuard.start({ module: missing, data: {}, afterMs: AFTER_MS, everyMs: AFTER_MS, logger });
  expect(guard).toBeUndefined();
  expect(lines.join('')).toContain('leases are not renewed while the event loop is blocked');
});

it('logs once if its module fails, and the process goes on', async () => {
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(line) });
  // Without `calls` the module throws.
  guard = LoopGuard.start({ module, data: {}, afterMs: AFTER_MS, everyMs: AFTER_MS / 2, logger });
  await sleep(AFTER_MS);
  block(() => false, 5 * AFTER_MS);
  await expect.poll(() => lines.length, { timeout: 5_000 }).toBe(1);
  expect(lines[0]).toContain('leases are not renewed while the event loop is blocked');
});

it('stops once the handler that blocks is past its time', async () => {
  const calls = new Int32Array(new SharedArrayBuffer(12));
  const renewed = () => Atomics.load(calls, 1);
  guard = LoopGuard.start({ module, data: { calls }, afterMs: AFTER_MS, everyMs: AFTER_MS / 8 });
  await sleep(AFTER_MS);
  guard?.started(performance.now() + 60_000);
  guard?.started(performance.now() + 4 * AFTER_MS);
  block(() => false, 5 * AFTER_MS);
  const after = renewed();
  expect(after).toBeGreaterThan(0);
  block(() => false, 3 * AFTER_MS);
  expect(renewed()).toBe(after);
  await sleep(AFTER_MS);
  // No handler started in this turn of the loop.
  block(() => renewed() > after, 10_000);
  expect(renewed()).toBeGreaterThan(after);
});
