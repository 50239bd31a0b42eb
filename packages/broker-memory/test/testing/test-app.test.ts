import { randomUUID } from 'node:crypto';
import { type Task, TaskManager } from '@brokkr/core';
import { describe, expect, it } from 'vitest';
import { MemoryBroker } from '../../src/index.ts';
import { testApp } from '../../src/testing/index.ts';
import '../../src/testing/vitest.ts';

function manager(): TaskManager {
  return TaskManager.getInstance(`app-${randomUUID()}`);
}

describe('virtual time', () => {
  it('does not wait for a handler that never ends at each renewal of its lease', async () => {
    const tm = manager();
    const hang = tm.task({ timeout: '10h', maxRetries: 0 }, async function hang() {
      await new Promise(() => undefined);
    });
    const app = testApp({ tasks: [hang], settleWithin: '50ms' });
    const startedAt = app.now().getTime();
    await hang.send();
    const before = performance.now();
    await app.drain();
    // There are over 3,600 renewals: 50 ms for each would take three minutes.
    expect(performance.now() - before).toBeLessThan(8_000);
    expect(app.dead('default')).toMatchObject([{ attempts: [{ error: { name: 'TaskTimeoutError' } }] }]);
    expect(app.now().getTime() - startedAt).toBe(36_005_000);
    await app.close();
  });

  it('waits again for real I/O after each step of a handler', async () => {
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
  it('toHaveSent lists the arguments that were sent, if it fails', async () => {
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

describe('a closed app', () => {
  async function withRealBroker() {
    const ran: string[] = [];
    const tm = manager();
    await tm.initialize({ broker: new MemoryBroker(), logLevel: 'silent', runMode: 'worker' });
    const charge = tm.task({ name: 'charge' }, async (customer: string) => void ran.push(customer));
    await charge.send('real');
    const app = testApp({ tasks: [charge] });
    await charge.send('test');
    return { tm, app, charge, ran };
  }

  it('refuses to run: its messages would be those of the application', async () => {
    const { tm, app, charge, ran } = await withRealBroker();
    await app.close();
    const closed = expect.objectContaining({ name: 'ConfigError', code: 'TEST_APP_CLOSED' });
    await expect(app.drain()).rejects.toThrow(closed);
    await expect(app.advance('1h')).rejects.toThrow(closed);
    expect(app.sent(charge)).toEqual([['test']]);
    expect(app.dead('default')).toEqual([]);
    expect(ran).toEqual([]);
    await app.close();
    await tm.close();
  });

  it('ends a drain in progress with an error, and leaves the remaining messages', async () => {
    const { tm, app, ran } = await withRealBroker();
    const drained = expect(app.drain()).rejects.toMatchObject({ code: 'TEST_APP_CLOSED' });
    await app.close();
    await drained;
    expect(ran).not.toContain('real');
    await tm.close();
  });
});

describe('an app of several managers', () => {
  it('takes over all of them, or none', async () => {
    const [free, taken] = [manager(), manager()].map((tm) => tm.task({ name: 'work' }, async () => undefined));
    const holder = testApp({ tasks: [taken as object] });
    expect(() => testApp({ tasks: [free as object, taken as object] })).toThrow(
      expect.objectContaining({ code: 'MANAGER_OVERRIDDEN' }),
    );
    await testApp({ tasks: [free as object] }).close();
    await holder.close();
  });
});

describe('middleware', () => {
  it('is refused while an app uses its manager, because it would apply only partly', async () => {
    const tm = manager();
    const task = tm.task({ name: 'work' }, async () => undefined);
    const late = { name: 'late', send: (_: unknown, next: () => Promise<never>) => next() };
    const app = testApp({ tasks: [task] });
    expect(() => tm.use(late)).toThrow(
      expect.objectContaining({
        code: 'INITIALIZED_TOO_LATE',
        message: expect.stringMatching(/a test app uses the manager/),
      }),
    );
    await app.close();
    expect(tm.use(late)).toBe(tm);
  });
});

describe('invalid options', () => {
  it.each([{}, { tasks: {} }, { tasks: [() => 1] }, { tasks: [null] }])(
    '%j are refused: there is no task',
    (options) => {
      expect(() => testApp(options as never)).toThrow(
        expect.objectContaining({ name: 'ConfigError', code: 'NO_TASK' }),
      );
    },
  );

  it.each<[unknown, string, RegExp]>([
    [undefined, 'OPTIONS_INVALID', /^testApp: options must be an object; got undefined$/],
    [{ tasks: [], settlewithin: '5s' }, 'OPTION_UNKNOWN', /^testApp: .* did you mean `settleWithin`\?$/],
    [
      { tasks: [], startAt: '2030-01-01' },
      'CONFIG_INVALID',
      /^testApp: startAt must be a valid Date; got "2030-01-01"$/,
    ],
    [{ tasks: [], startAt: new Date('x') }, 'CONFIG_INVALID', /startAt/],
    [{ tasks: [], settleWithin: 'soon' }, 'DURATION_INVALID', /^testApp: settleWithin must be a duration/],
  ])('%o are refused, and the error names the option', (options, code, message) => {
    expect(() => testApp(options as never)).toThrow(
      expect.objectContaining({ name: 'ConfigError', code, message: expect.stringMatching(message) }),
    );
  });
});

describe('invalid arguments are refused immediately', () => {
  it('a concurrency of 0, and a function that is not a task', async () => {
    const task = manager().task({ name: 'some' }, async () => undefined);
    expect(() => testApp({ tasks: [task], concurrency: 0 })).toThrow(
      expect.objectContaining({ code: 'CONCURRENCY_INVALID' }),
    );
    const app = testApp({ tasks: [task] });
    expect(() => app.sent((() => undefined) as unknown as typeof task)).toThrow(
      expect.objectContaining({ code: 'NO_TASK' }),
    );
    await app.close();
  });
});
