import { randomUUID } from 'node:crypto';
import { ResultTimeoutError, TaskManager } from '@brokkr/core';
import { expect, it } from 'vitest';
import { testApp } from '../../src/testing/index.ts';

it('a result that does not come is told without a promise that it will: the message may be gone', async () => {
  const tm = TaskManager.getInstance(`sent-${randomUUID()}`);
  const task = tm.task({ name: 'sum', result: '1h' }, async () => 1);
  const app = testApp({ tasks: [task] });
  const cancelled = await task.send();
  expect(await cancelled.cancel()).toBe(true);
  const told = expect(cancelled.result({ timeout: '1s' })).rejects.toThrow(
    expect.objectContaining({
      name: ResultTimeoutError.name,
      message: expect.stringMatching(/it may still be waiting or running, or have been cancelled$/),
    }),
  );
  await app.advance('2s');
  await told;
  await app.close();
});
