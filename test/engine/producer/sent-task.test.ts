import { randomUUID } from 'node:crypto';
import { ResultTimeoutError, SerializationError, TaskManager } from '@brokkr/core';
import { expect, it } from 'vitest';
import { MemoryBroker } from '@brokkr/broker-memory';
import { testApp } from '@brokkr/broker-memory/testing';

it('a result that does not arrive in time is an error with the possible reasons', async () => {
  const tm = TaskManager.getInstance(`sent-${randomUUID()}`);
  const task = tm.task({ name: 'sum', result: '1h' }, async () => 1);
  const app = testApp({ tasks: [task] });
  const unknown = task.handle('never-sent');
  const rejected = expect(unknown.result({ timeout: '1s' })).rejects.toThrow(
    expect.objectContaining({
      name: ResultTimeoutError.name,
      message: expect.stringMatching(/it may still be waiting or running, or its result has expired$/),
    }),
  );
  await app.advance('2s');
  await rejected;
  await app.close();
});

it.each([
  'not JSON',
  '7',
  'null',
  '{}',
  '{"kind":"none"}',
  '{"kind":"error"}',
  '{"kind":"error","error":null}',
  '{"kind":"unserializable"}',
])('refuses a stored result that is not in our format: %s', async (stored) => {
  const broker = new MemoryBroker();
  const tm = TaskManager.getInstance(`sent-${randomUUID()}`).configure({
    broker,
    runMode: 'producer',
    logLevel: 'silent',
  });
  const task = tm.task({ name: 'sum', result: '1h' }, async () => 1);
  const handle = await task.send();
  await broker.results.store(handle.id, Buffer.from(stored), 60_000);
  const error: unknown = await handle.result().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(SerializationError);
  expect(error).toMatchObject({
    code: 'RESULT_UNREADABLE',
    message: expect.stringMatching(/^task sum, message .*: the stored result is not in/),
  });
  expect((error as Error).cause instanceof SyntaxError).toBe(stored === 'not JSON');
  await tm.close();
});
