import { randomUUID } from 'node:crypto';
import { TaskManager } from '@brokkr/core';
import type { BatchTaskOptions } from '@brokkr/core/adapter';
import { describe, expect, it } from 'vitest';
import { batchBench } from './batch-bench.ts';

describe('bad input', () => {
  const tm = TaskManager.getInstance(`batches-${randomUUID()}`);
  const define = (options: object) => () => tm.batchTask(options as BatchTaskOptions, () => undefined);

  it.each<[object, RegExp]>([
    [{ name: 'x' }, /^task x: batch must be an object such as \{ size: 100, timeout: '2s' \}; got undefined$/],
    [{ name: 'x', batch: 5 }, /got a number$/],
    [{ name: 'x', batch: {} }, /^task x: batch\.size must be a whole number from 1 to 10000; got undefined$/],
    [{ name: 'x', batch: { size: 0 } }, /got 0$/],
    [{ name: 'x', batch: { size: 10_001 } }, /got 10001$/],
    [{ name: 'x', batch: { size: 2.5 } }, /got 2\.5$/],
    [{ name: 'x', batch: { size: 2, timeout: 'soon' } }, /^task x: batch\.timeout must be a duration .*; got "soon"$/],
    [{ name: 'x', batch: { size: 2, wait: 1 } }, /^task x: batch: unknown option `wait`/],
    [
      { name: 'x', batch: { size: 2, by: 'tenant' } },
      /^task x: batch\.by must be a synchronous function .*; got a string$/,
    ],
    [{ name: 'x', batch: { size: 2, by: async () => 'a' } }, /got an async function$/],
  ])('is an error of the definition: %o', (options, message) => {
    expect(define(options)).toThrow(
      expect.objectContaining({ name: 'ConfigError', message: expect.stringMatching(message) }),
    );
  });

  it('is an option of one send that a batch cannot honor, or a second argument', async () => {
    const { task } = batchBench({}, () => undefined);
    expect(() => task.with({ timeout: '5s' })).toThrow(
      expect.objectContaining({
        code: 'BATCH_SEND_OPTION',
        message: expect.stringMatching(/^task index: timeout cannot/),
      }),
    );
    const send = task.send as (...args: unknown[]) => Promise<unknown>;
    await expect(send('a', 'b')).rejects.toMatchObject({ code: 'BATCH_ITEM_INVALID' });
  });
});
