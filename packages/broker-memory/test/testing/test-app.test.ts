import { randomUUID } from 'node:crypto';
import { type Task, TaskManager } from '@brokkr/core';
import { describe, expect, it } from 'vitest';
import { testApp } from '../../src/testing/index.ts';
import '../../src/testing/vitest.ts';

function manager(): TaskManager {
  return TaskManager.getInstance(`app-${randomUUID()}`);
}

describe('virtual time', () => {
  it('passes a handler that never ends, without waiting for it at each renewal of its lease', async () => {
    const tm = manager();
    const hang = tm.task({ timeout: '10h', maxRetries: 0 }, async function hang() {
      await new Promise(() => undefined);
    });
    const app = testApp({ tasks: [hang], settleWithin: '50ms' });
    const startedAt = app.now().getTime();
    await hang.send();
    const before = performance.now();
    await app.drain();
    // Over 3,600 renewals; 50 ms for each were three minutes.
    expect(performance.now() - before).toBeLessThan(8_000);
    expect(app.dead('default')).toMatchObject([{ attempts: [{ error: { name: 'TaskTimeoutError' } }] }]);
    expect(app.now().getTime() - startedAt).toBe(36_005_000);
    await app.close();
  });

  it('waits for real I/O anew after each step that a handler makes', async () => {
    const tm = manager();
    const reached: number[] = [];
    const read: Task<[times: number], void> = tm.task(
      { name: 'read', timeout: '1s', maxRetries: 0 },
      async (times: number) => {
        for (let step = 0; step < times; step++) {
          await new Promise((resolve) => setTimeout(resolve, 20));
          reached.push(step);
        }
        if (times > 1) await read.send(times - 1);
      },
    );
    const app = testApp({ tasks: [read], settleWithin: '2s' });
    await read.send(4);
    await app.drain();
    expect(reached).toEqual([0, 1, 2, 3, 0, 1, 2, 0, 1, 0]);
    expect(app.dead('default')).toEqual([]);
    await app.close();
  });
});

describe('assertions', () => {
  it('toHaveSent tells what was sent instead', async () => {
    const tm = manager();
    const mail = tm.task({ queueName: 'emails' }, async function mail(_to: string, _subject: string) {});
    const app = testApp({ tasks: [mail] });
    await mail.send('a@b.c', 'Hi');
    expect(app).toHaveSent(mail, ['a@b.c', 'Hi']);
    expect(app).not.toHaveSent(mail, ['a@b.c', 'Ho']);
    expect(() => expect(app).toHaveSent(mail, ['a@b.c', 'Ho'])).toThrow(/a@b\.c/);
    await app.close();
  });
});

describe('what is no application', () => {
  it.each([{}, { tasks: {} }, { tasks: [() => 1] }, { tasks: [null] }])('%#', (options) => {
    expect(() => testApp(options as never)).toThrow(expect.objectContaining({ name: 'ConfigError', code: 'NO_TASK' }));
  });
});
