import { describe, expect, it, vi } from 'vitest';
import { none, type RetryPolicy } from '../../src/index.ts';
import type { Delivery } from '../../src/broker/delivery.ts';
import type { Message } from '../../src/message/message.ts';
import { fixed } from '../../src/retry/fixed.ts';
import { defineTask } from '../../src/task/task-definition.ts';
import { settlementFor } from '../../src/worker/settlement-for.ts';
import type { RunnableTask } from '../../src/worker/runnable-task.ts';

const delivery: Delivery = {
  envelope: { id: 'a', queue: 'q', body: Buffer.from('[]'), headers: {} },
  fence: 1,
  crashes: 0,
};
const message: Message = { id: 'a', task: 't', queue: 'q', args: [], attempt: 1, headers: {}, enqueuedAt: 0 };

/** Returns the settlement of a first attempt that threw `error`, and the reports about the task's predicates. */
function settle(options: object, error: unknown): { kind: string; told: unknown[] } {
  const task: RunnableTask = {
    definition: defineTask({ name: 't', ...options }, () => undefined),
    maxRetries: 3,
    timeoutMs: 1_000,
    policy: fixed(),
    fallbackPolicy: none(),
    invoke: () => undefined,
  };
  const told: unknown[] = [];
  const { kind } = settlementFor(
    { kind: 'failed', error },
    { delivery, message, task, ranMs: 5 },
    {
      workerId: 'w',
      now: () => 0,
      onPolicyError: () => undefined,
      onMatcherError: (problem) => told.push(problem),
    },
  );
  return { kind, told };
}

it('a retry policy that returns a promise is reported, the default policy is used, and the rejection has no effect', async () => {
  const rejecting = { next: () => Promise.reject(new Error('too late')) } as unknown as RetryPolicy;
  const told: unknown[] = [];
  const task: RunnableTask = {
    definition: defineTask({ name: 't' }, () => undefined),
    maxRetries: 3,
    timeoutMs: 1_000,
    policy: rejecting,
    fallbackPolicy: fixed({ delay: '5s' }),
    invoke: () => undefined,
  };
  const unhandled = vi.fn();
  process.once('unhandledRejection', unhandled);
  const settlement = settlementFor(
    { kind: 'failed', error: new Error('no') },
    { delivery, message, task, ranMs: 5 },
    { workerId: 'w', now: () => 0, onPolicyError: (error) => told.push(error), onMatcherError: () => undefined },
  );
  await new Promise((resolve) => setImmediate(resolve));
  process.removeListener('unhandledRejection', unhandled);
  expect(settlement).toMatchObject({ kind: 'retry', replacement: { notBefore: 5_000 } });
  expect(told).toEqual([expect.objectContaining({ code: 'DURATION_INVALID' })]);
  expect(unhandled).not.toHaveBeenCalled();
});

describe('retryOn and giveUpOn', () => {
  it('use the truthiness of the value that a predicate returns', () => {
    const retryOn = (error: Error) => error.message.match(/temporary/);
    expect(settle({ retryOn }, new Error('temporary')).kind).toBe('retry');
    expect(settle({ retryOn }, new Error('final')).kind).toBe('dead-letter');
    expect(settle({ giveUpOn: (error: { status?: number }) => error.status }, { status: 404 }).kind).toBe(
      'dead-letter',
    );
  });

  it('match instances of a class, whether they are errors or not', () => {
    class Refusal {}
    class Gone extends Refusal {}
    expect(settle({ giveUpOn: Refusal }, new Gone())).toEqual({ kind: 'dead-letter', told: [] });
    expect(settle({ giveUpOn: Refusal }, new Error('other'))).toEqual({ kind: 'retry', told: [] });
    expect(settle({ retryOn: Error }, new TypeError('x')).kind).toBe('retry');
    expect(settle({ retryOn: Error }, 'no error').kind).toBe('dead-letter');
  });

  it('treat a promise as no match and report it; its rejection has no effect', async () => {
    const { kind, told } = settle({ giveUpOn: () => Promise.reject(new Error('later')) }, new Error('x'));
    expect(kind).toBe('retry');
    expect(told).toMatchObject([{ code: 'ERROR_MATCHER_INVALID' }]);
    await new Promise((resolve) => setImmediate(resolve));
  });

  it('treat a predicate that throws as no match, and report it', () => {
    const problem = new Error('of the predicate');
    const failing = () => {
      throw problem;
    };
    expect(settle({ giveUpOn: failing }, new Error('x'))).toEqual({ kind: 'retry', told: [problem] });
  });
});
