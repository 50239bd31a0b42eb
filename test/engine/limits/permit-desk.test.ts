import { setTimeout as pass } from 'node:timers/promises';
import { MemoryBroker } from '@brokkr/broker-memory';
import { type LimitStore, systemClock } from '@brokkr/core/adapter';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { PermitDesk } from '../../../packages/core/src/limits/permit-desk.ts';

/** Longer than the time limit of a call below, in milliseconds. */
const BLOCK_MS = 350;

function deskOf(acquire: LimitStore['acquire']): PermitDesk {
  const { limits } = new MemoryBroker();
  const store: LimitStore = Object.assign(Object.create(limits) as LimitStore, { acquire });
  return new PermitDesk({
    store,
    messages: undefined,
    isShared: false,
    isPaused: async () => false,
    ruleOf: () => undefined,
    leaseMs: 1_000,
    timeoutMs: 10,
    clock: systemClock,
    logger: pino({ level: 'silent' }),
  });
}

function block(): void {
  const until = performance.now() + BLOCK_MS;
  while (performance.now() < until);
}

it('takes an answer that comes soon after a block of the event loop that was longer than the time limit', async () => {
  let answer: () => void = () => undefined;
  const desk = deskOf(() => new Promise((resolve) => (answer = () => resolve({ refusals: [undefined], next: [] }))));
  const granted = desk.acquire([]);
  block();
  await pass(20);
  answer();
  expect(await granted).toEqual([undefined]);
  desk.close();
});

it('grants nothing if no answer comes, also after such a block', async () => {
  const desk = deskOf(() => new Promise(() => undefined));
  const granted = desk.acquire([]);
  block();
  expect(await granted).toBeUndefined();
  desk.close();
});
