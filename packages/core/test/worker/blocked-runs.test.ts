import pino from 'pino';
import { expect, it } from 'vitest';
import { BlockedRuns } from '../../src/worker/blocked-runs.ts';
import type { Execution } from '../../src/worker/execution.ts';
import { judgeDelivery } from '../../src/worker/judge-delivery.ts';

function run(id: string): Execution {
  const task = { id, name: 'hash', queue: 'q', attempt: 1 };
  return { delivery: { envelope: { id } }, run: { bindings: () => ({ task }) } } as unknown as Execution;
}

function setUp() {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) });
  return { lines, blocked: new BlockedRuns(logger) };
}

function reasonFor(id: string, blocked: BlockedRuns): string | undefined {
  const verdict = judgeDelivery(
    { envelope: { id, queue: 'q', body: Buffer.from('[]'), headers: {} }, fence: 4, crashes: 3 },
    {
      taskFor: () => undefined,
      now: () => 0,
      workerId: 'w',
      maxCrashes: 3,
      maxPayload: 1_000,
      maxDelayMs: 1_000,
      crashReasonOf: (of) => blocked.reasonOf(of),
    },
  );
  return verdict.kind === 'settle' && verdict.settlement.kind === 'dead-letter' ? verdict.settlement.reason : undefined;
}

it('names the task that blocked in the log, and the block in its dead letter', () => {
  const { lines, blocked } = setUp();
  blocked.note(41_234, run('a'), [run('b'), run('c')]);
  expect(lines).toMatchObject([{ task: { id: 'a', name: 'hash' }, blockedMs: 41_234 }]);
  expect(lines[0]?.msg).toMatch(/^the event loop was blocked for 41 s/);
  expect(reasonFor('a', blocked)).toMatch(/^blocked the event loop for 41 s: 3 deliveries/);
  expect(reasonFor('b', blocked)).toMatch(/^crashed: 3 workers/);
});

it('blames the only task that ran, and none of several', () => {
  const { lines, blocked } = setUp();
  blocked.note(5_000, undefined, [run('only')]);
  blocked.note(5_000, undefined, [run('one'), run('other')]);
  expect(blocked.reasonOf('only')).toBe('blocked the event loop for 5.0 s');
  expect(blocked.reasonOf('one')).toBeUndefined();
  expect(lines[1]).toMatchObject({ tasks: [{ id: 'one' }, { id: 'other' }] });
});

it('remembers the longest block of a message, and at most a thousand messages', () => {
  const { blocked } = setUp();
  for (let count = 0; count <= 1_000; count++) blocked.note(20_000, run(`m${count}`), []);
  blocked.note(12_000, run('m1000'), []);
  expect(blocked.reasonOf('m0')).toBeUndefined();
  expect(blocked.reasonOf('m1')).toBe('blocked the event loop for 20 s');
  expect(blocked.reasonOf('m1000')).toBe('blocked the event loop for 20 s');
});
