import { setTimeout as pass } from 'node:timers/promises';
import { MemoryBroker } from '@brokkr/broker-memory';
import { type LimitDemand, type LimitStore, type MessageIndex, systemClock } from '@brokkr/core/adapter';
import { ManualClock } from '@brokkr/core/testing';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { PermitDesk, type PermitDeskOptions } from '../../../packages/core/src/limits/permit-desk.ts';

/** Longer than the time limit of a call below, in milliseconds. */
const BLOCK_MS = 350;

function storeOf(parts: Partial<LimitStore>): LimitStore {
  return Object.assign(Object.create(new MemoryBroker().limits) as LimitStore, parts);
}

function deskOf(acquire: LimitStore['acquire'], options: Partial<PermitDeskOptions> = {}): PermitDesk {
  return new PermitDesk({
    store: storeOf({ acquire }),
    messages: undefined,
    isShared: false,
    isPaused: async () => false,
    ruleOf: () => undefined,
    leaseMs: 1_000,
    timeoutMs: 10,
    clock: systemClock,
    logger: pino({ level: 'silent' }),
    ...options,
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

it('calls the key of a rate that refused a message when its start is due, and other keys of the limit at once', async () => {
  const clock = new ManualClock();
  const rule = { kind: 'rate', intervalMs: 1_000, burst: 1 } as const;
  const demands = ['a', 'b'].map((key): LimitDemand => ({ limit: 'account', key, rule }));
  const called: string[] = [];
  const acquire: LimitStore['acquire'] = async () => ({
    refusals: [{ waitMs: 500, limit: 'account', key: 'b' }],
    next: [],
  });
  const store = storeOf({
    acquire,
    call: async (lines) => {
      called.push(...lines.map(({ key }) => key));
      return { next: [], againMs: lines.map(() => undefined) };
    },
  });
  const messages: MessageIndex = {
    find: async () => [],
    promote: async () => [],
    cancel: async () => [],
    unfinished: async () => [],
  };
  const desk = deskOf(acquire, { store, messages, clock, ruleOf: () => rule });
  await desk.acquire([{ token: 't', queue: 'q', id: 'm', demands }]);
  await clock.advance(100);
  expect(called).toEqual(['a']);
  await clock.advance(400);
  expect(called).toEqual(['a', 'b']);
  desk.close();
});
