import { ConfigError } from '@brokkr/core';
import { describe, expect, it } from 'vitest';
import { bench, held } from './bench.ts';

describe('addJob refuses a wrong job by naming job and field, and adds nothing', () => {
  const { tm, scheduler } = bench();
  const ping = tm.task({ name: 'ping' }, async () => undefined);
  const func = ping.send;
  it.each<readonly [job: unknown, problem: RegExp]>([
    [{ func, trigger: 'interval', minutes: 1 }, /must have an id of 1 to 120 visible characters/],
    [{ id: 'j', func: () => undefined, trigger: 'interval', minutes: 1 }, /job "j": func must be the send of a task/],
    [{ id: 'j', func, trigger: 'sometimes' }, /job "j": trigger must be 'cron'/],
    [{ id: 'j', func, trigger: 'cron' }, /needs cronLine, or one of year, month/],
    [{ id: 'j', func, trigger: 'cron', hour: 25 }, /job "j": hour 25 is invalid/],
    [{ id: 'j', func, trigger: 'cron', hour: 'x;y' }, /hour must be a cron field, .*; got "x;y"/],
    [{ id: 'j', func, trigger: 'cron', day: 31, month: 2 }, /no date matches it/],
    [{ id: 'j', func, trigger: '0 0 31 2 *' }, /no date matches it/],
    [{ id: 'j', func, trigger: 'cron', cronLine: '* * *' }, /job "j": cronLine must be five fields/],
    [{ id: 'j', func, trigger: 'cron', cronLine: '99 * * * *' }, /cronLine "99 \* \* \* \*" is invalid/],
    [
      { id: 'j', func, trigger: 'cron', hour: 1, timezone: 'Mars/Base' },
      /timezone must be the name of a time zone, .*; got "Mars\/Base"/,
    ],
    [{ id: 'j', func, trigger: 'interval' }, /an interval needs weeks, days/],
    [{ id: 'j', func, trigger: 'interval', seconds: 0 }, /an interval needs weeks, days/],
    [{ id: 'j', func, trigger: 'interval', minutes: -1 }, /minutes must be a number above 0/],
    [{ id: 'j', func, trigger: 'date' }, /runDate is missing/],
    [{ id: 'j', func, trigger: 'date', runDate: new Date('x') }, /runDate must be a valid Date/],
    [
      { id: 'j', func, trigger: 'interval', minutes: 1, misfireGraceTime: 'soon' },
      /job "j": misfireGraceTime must be a duration/,
    ],
    [
      { id: 'j', func, trigger: 'interval', minutes: 1, overlap: 'never' },
      /overlap must be 'allow' or 'skip'; got "never"/,
    ],
    [
      { id: 'j', func, trigger: 'interval', minutes: 1, hour: 2 },
      /job "j": hour belongs to another trigger: the trigger of this job is 'interval', which takes weeks/,
    ],
    [
      { id: 'j', func, trigger: 'cron', hour: 2, minutes: 5 },
      /job "j": minutes belongs to another trigger: the trigger of this job is 'cron'/,
    ],
    [{ id: 'j', func, trigger: 'cron', cronLine: '0 2 * * *', hour: 2 }, /hour belongs to .* 'cron' with cronLine/],
    [
      { id: 'j', func, trigger: '0 2 * * *', hour: 2 },
      /hour belongs to .* is a cron line, which takes no other option/,
    ],
    [{ id: 'j', func, trigger: '0 2 * * *', cronLine: '0 3 * * *' }, /cronLine belongs to/],
    [
      { id: 'j', func, trigger: 'date', runDate: new Date(0), hour: 2 },
      /hour belongs to .* 'date', which takes runDate/,
    ],
    [{ id: 'j', func, trigger: 'interval', minutes: 1, runDate: new Date(0) }, /runDate belongs to/],
    [{ id: 'j', func, trigger: 'cron', hour: null }, /hour must be a cron field, .*; got null/],
    [{ id: 'j', func, trigger: 'cron', hour: true }, /hour must be a cron field, .*; got a boolean/],
    [{ id: 'j', func, trigger: 'cron', hour: [1, 2] }, /hour must be a cron field, .*; got a list/],
    [{ id: 'j', func, trigger: 'cron', hour: 2.5 }, /hour must be a cron field, .*; got 2.5/],
    [{ id: 'j', func, trigger: 'cron', hour: -1 }, /hour -1 is invalid/],
    [{ id: 'j', func, trigger: 'cron', minute: '*/0' }, /minute \*\/0 is invalid/],
    [{ id: 'j', func, trigger: 'cron', month: 13 }, /month 13 is invalid/],
    [{ id: 'j', func, trigger: 'cron', dayOfWeek: 'someday' }, /dayOfWeek someday is invalid/],
    [{ id: 'j', func, trigger: 'cron', hour: 1, timezone: 5 }, /timezone must be .*; got 5/],
    [{ id: 'j', func, trigger: 'cron', hour: 1, timezone: '' }, /timezone must be .*; got ""/],
    [{ id: 'j', func, trigger: '@daily' }, /trigger must be 'cron'/],
    [{ id: 'j', func }, /trigger must be 'cron'/],
    [{ id: 'j', func, trigger: 'interval', minutes: Number.NaN }, /minutes must be a number above 0/],
    [{ id: 'j', func, trigger: 'interval', minutes: '5' }, /minutes must be a number above 0/],
    [{ id: 'j', func, trigger: 'interval', weeks: 1e300 }, /at most 100 years/],
    [{ id: 'j', func, trigger: 'interval', seconds: 0.0001 }, /an interval needs weeks, days/],
    [{ id: 'j', func, trigger: 'date', runDate: '2030-01-01' }, /runDate must be a valid Date/],
    [{ id: 'j', func, trigger: 'date', runDate: 1 }, /runDate must be a valid Date/],
    [
      { id: 'j', func, trigger: 'date', runDate: new Date(5), start: new Date(6) },
      /runDate must be within start and end/,
    ],
    [{ id: 'j', func, trigger: 'cron', hour: 1, start: 'now' }, /start must be a valid Date/],
    [
      { id: 'j', func, trigger: 'cron', hour: 1, start: new Date(6), end: new Date(5) },
      /end must not be before start, 1970-01-01T00:00:00.006Z; got 1970-01-01T00:00:00.005Z/,
    ],
    [{ id: 'j', func, trigger: 'cron', hour: 1, jitter: -1 }, /job "j": jitter must be a duration/],
    [{ id: 'j', func, trigger: 'cron', hour: 1, args: 'x' }, /args must be a list of arguments; got "x"/],
    [{ id: 'j', func, trigger: 'cron', hour: 1, coalesce: 'yes' }, /coalesce must be true or false/],
    [{ id: 'j', func: ping, trigger: 'cron', hour: 1 }, /func must be the send of a task/],
    [{ id: '', func, trigger: 'cron', hour: 1 }, /must have an id of 1 to 120 visible characters/],
    ...['a\nb', 'a\u009bb', 'a\u2028b', 'a\u202eb', 'half \ud800', 'x'.repeat(121), 5, null, {}].map(
      (id) => [{ id, func, trigger: 'cron', hour: 1 }, /must have an id of 1 to 120 visible characters/] as const,
    ),
    [undefined, /must have an id of 1 to 120 visible characters/],
    [{ id: 'j', func, trigger: 'interval', minutes: 1, color: 1 }, /color is not an option/],
  ])('%o', (job, problem) => {
    const add = () => scheduler.addJob(job as never);
    expect(add).toThrow(ConfigError);
    expect(add).toThrow(problem);
    expect(scheduler.getJobs()).toEqual([]);
  });

  it('refuses an id that another job has, unless replaceExisting is given', async () => {
    const { tm: manager, scheduler: own } = bench();
    const task = manager.task({ name: 't' }, async () => undefined);
    own.addJob({ id: 'j', func: task.send, trigger: 'interval', minutes: 1 });
    expect(() => own.addJob({ id: 'j', func: task.send, trigger: 'interval', minutes: 2 })).toThrow(
      /there is a job with this id/,
    );
    own.addJob({ id: 'j', func: task.send, trigger: 'interval', minutes: 2, replaceExisting: true });
    expect(own.getJobs().map(({ trigger }) => trigger)).toEqual(['every 2 minutes']);
    expect(() => own.rescheduleJob('k', { trigger: 'interval', minutes: 1 })).toThrow(/no job "k"; jobs are j$/);
  });

  it('rescheduleJob checks the trigger as addJob does, and refuses options that it does not change', () => {
    const { tm: manager, scheduler: own } = bench();
    const task = manager.task({ name: 't' }, async () => undefined);
    own.addJob({ id: 'j', func: task.send, trigger: 'interval', minutes: 1 });
    expect(() => own.rescheduleJob('j', { trigger: 'cron', hour: 25 })).toThrow(/hour 25 is invalid/);
    expect(() => own.rescheduleJob('j', { trigger: 'interval', hour: 2 } as never)).toThrow(/hour belongs to another/);
    expect(() => own.rescheduleJob('j', { trigger: 'interval', minutes: 2, jitter: 5 } as never)).toThrow(
      /jitter is not changed by rescheduleJob/,
    );
    expect(own.getJobs().map(({ trigger }) => trigger)).toEqual(['every 1 minute']);
  });

  it.each(['__proto__', 'constructor', 'tick:x:1', '日本', '👩‍👩‍👧', ' ', "'; DROP TABLE jobs; --", '{hash}', '*'])(
    'accepts the job id %j',
    async (id) => {
      const { tm: manager, scheduler: own } = bench();
      const task = manager.task({ name: 't' }, async () => undefined);
      const app = held([task]);
      own.addJob({ id, func: task.send, trigger: 'interval', minutes: 1 });
      await own.start();
      await app.advance('1m');
      expect(app.sent(task)).toHaveLength(1);
      await own.pauseJob(id);
      await own.removeJob(id);
      expect(own.getJobs()).toEqual([]);
    },
  );

  it('lists ten of many jobs in the error of an unknown id', () => {
    const { tm: manager, scheduler: own } = bench();
    const task = manager.task({ name: 't' }, async () => undefined);
    for (let n = 0; n < 1_000; n++) own.addJob({ id: `j${n}`, func: task.send, trigger: 'interval', minutes: 1 });
    expect(() => own.rescheduleJob('k', { trigger: 'interval', minutes: 1 })).toThrow(
      /jobs are j0, .*, j9 and 990 others$/,
    );
  });

  it.each(['pauseJob', 'resumeJob', 'removeJob'] as const)('%s refuses a job that does not exist', async (name) => {
    await expect(bench().scheduler[name]('k')).rejects.toThrow(/no job "k"; this scheduler has no jobs/);
  });
});
