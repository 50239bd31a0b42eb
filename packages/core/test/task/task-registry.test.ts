import { describe, expect, it } from 'vitest';
import { exponential, TaskManager, type TaskOptions } from '../../src/index.ts';

let managers = 0;
const fresh = () => TaskManager.getInstance(`registry-${managers++}`);
const handler = async () => undefined;
const isTemporary = () => true;
const retry = exponential();

describe('the same handler under the same name', () => {
  it('is one task if its options are the same: a module may be loaded twice', () => {
    const tm = fresh();
    const define = () =>
      tm.task({ name: 'same', maxRetries: 2, timeout: '1m', retry, retryOn: [TypeError, isTemporary] }, handler);
    define();
    expect(define).not.toThrow();
    expect(tm.tasks()).toHaveLength(1);
  });

  it.each<[string, TaskOptions, TaskOptions]>([
    ['`queueName`', { queueName: 'a' }, { queueName: 'b' }],
    ['`maxRetries`', { maxRetries: 9 }, {}],
    ['`retryDelay`', { retryDelay: 1 }, { retryDelay: 2 }],
    ['`maxRetryDelay`', {}, { maxRetryDelay: '2h' }],
    ['`retry`', { retry }, { retry: exponential() }],
    ['`retryOn`', { retryOn: [TypeError] }, { retryOn: [TypeError, isTemporary] }],
    ['`giveUpOn`', { giveUpOn: TypeError }, { giveUpOn: RangeError }],
    ['`timeout`', { timeout: '1m' }, { timeout: '2m' }],
    ['`result`', { result: '1h' }, { result: false }],
  ])('with a different %s is refused, and the first definition stays', (option, one, other) => {
    const tm = fresh();
    tm.task({ name: 'same', ...one, schema: undefined }, handler);
    const [definition] = tm.tasks();
    expect(() => tm.task({ name: 'same', ...other, schema: undefined }, handler)).toThrow(
      expect.objectContaining({
        name: 'ConfigError',
        code: 'TASK_OPTIONS_DIFFER',
        message: expect.stringContaining(`task same is defined twice, with a different ${option};`),
      }),
    );
    expect(tm.tasks()).toEqual([definition]);
  });

  it('conditionalTask defines the same task', () => {
    const tm = fresh();
    tm.conditionalTask({ name: 'same' }, handler);
    const [definition] = tm.tasks();
    tm.task({ name: 'same' }, handler);
    expect(tm.tasks()).toEqual([definition]);
  });
});
