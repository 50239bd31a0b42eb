import { randomUUID } from 'node:crypto';
import { ResultTimeoutError, type TaskHandle, TaskManager } from '@brokkr/core';
import { expect, it } from 'vitest';
import { testApp } from '../../src/testing/index.ts';

it('a result that does not come is told without a promise that it will: the message may be gone', async () => {
  const tm = TaskManager.getInstance(`sent-${randomUUID()}`);
  const task = tm.task({ name: 'sum', result: '1h' }, async () => 1);
  const app = testApp({ tasks: [task] });
  const expired = await task.with({ expiresIn: '1s' }).send();
  await app.clock.advance(2_000);
  await app.drain();
  const cancelled = await task.send();
  expect(await cancelled.cancel()).toBe(true);
  const asked = async (handle: TaskHandle<number>) => {
    const result = handle.result({ timeout: '1s' });
    const told = expect(result).rejects.toThrow(
      expect.objectContaining({
        name: ResultTimeoutError.name,
        message: expect.stringMatching(/it may still be waiting or running, or have expired or been cancelled$/),
      }),
    );
    await app.advance('2s');
    await told;
  };
  await asked(expired);
  await asked(cancelled);
  await app.close();
});
