import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { LoopMonitor } from '../../src/event-loop/loop-monitor.ts';

const LIMIT_MS = 200;
let monitor: LoopMonitor<string> | undefined;
afterEach(() => monitor?.stop());

function watch(): [blockedMs: number, culprit: string | undefined][] {
  const blocks: [number, string | undefined][] = [];
  monitor = new LoopMonitor(LIMIT_MS, (blockedMs, culprit) => blocks.push([blockedMs, culprit]));
  monitor.start();
  return blocks;
}

function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

it('reports a block once, with the caller that checked right after it', async () => {
  const blocks = watch();
  block(2 * LIMIT_MS);
  monitor?.check('first', performance.now());
  monitor?.check('second', performance.now());
  await sleep(LIMIT_MS);
  expect(blocks).toEqual([[expect.any(Number), 'first']]);
  expect(blocks[0]?.[0]).toBeGreaterThanOrEqual(2 * LIMIT_MS);
});

it('reports a block without a culprit at its next turn', async () => {
  const blocks = watch();
  block(2 * LIMIT_MS);
  await expect.poll(() => blocks).toEqual([[expect.any(Number), undefined]]);
});

it('reports nothing once it is stopped, and nothing for a block below the limit', async () => {
  const blocks = watch();
  block(LIMIT_MS / 4);
  monitor?.check('short', performance.now());
  monitor?.stop();
  block(2 * LIMIT_MS);
  monitor?.check('late', performance.now());
  await sleep(10);
  expect(blocks.filter(([, culprit]) => culprit !== undefined)).toEqual([]);
});
