import { ConfigError } from '@brokkr/core';
import { describe, expect, it } from 'vitest';
import { bench } from './bench.ts';

describe('what is wrong with a job is said when it is added, and nothing is registered', () => {
  const { tm, scheduler } = bench();
  const ping = tm.task({ name: 'ping' }, async () => undefined);
  const func = ping.send;
  it.each([
    [{ func, trigger: 'interval', minutes: 1 }, /has an id/],
    [{ id: 'j', func: () => undefined, trigger: 'interval', minutes: 1 }, /job "j": func is the send of a task/],
    [{ id: 'j', func, trigger: 'sometimes' }, /job "j": trigger is 'cron'/],
    [{ id: 'j', func, trigger: 'cron' }, /needs one of year, month/],
    [{ id: 'j', func, trigger: 'cron', hour: 25 }, /job "j": hour 25 cannot be read/],
    [{ id: 'j', func, trigger: 'cron', hour: 'x;y' }, /hour x;y is no cron field/],
    [{ id: 'j', func, trigger: 'cron', day: 31, month: 2 }, /never comes/],
    [{ id: 'j', func, trigger: '0 0 31 2 *' }, /never comes/],
    [{ id: 'j', func, trigger: 'cron', cronLine: '* * *' }, /job "j": cronLine has five fields/],
    [{ id: 'j', func, trigger: 'cron', cronLine: '99 * * * *' }, /cronLine "99 \* \* \* \*" cannot be read/],
    [{ id: 'j', func, trigger: 'cron', hour: 1, timezone: 'Mars/Base' }, /timezone "Mars\/Base" is no zone/],
    [{ id: 'j', func, trigger: 'interval' }, /interval is longer than nothing/],
    [{ id: 'j', func, trigger: 'interval', seconds: 0 }, /interval is longer than nothing/],
    [{ id: 'j', func, trigger: 'interval', minutes: -1 }, /minutes is a number above 0/],
    [{ id: 'j', func, trigger: 'date' }, /runDate is missing/],
    [{ id: 'j', func, trigger: 'date', runDate: new Date('x') }, /runDate is no valid Date/],
    [{ id: 'j', func, trigger: 'interval', minutes: 1, misfireGraceTime: 'soon' }, /job j: misfireGraceTime/],
    [{ id: 'j', func, trigger: 'interval', minutes: 1, overlap: 'never' }, /overlap is 'allow' or 'skip'/],
    [
      { id: 'j', func, trigger: 'interval', minutes: 1, hour: 2 },
      /job "j": hour belongs to another trigger: this job's is 'interval', which takes weeks/,
    ],
    [
      { id: 'j', func, trigger: 'cron', hour: 2, minutes: 5 },
      /job "j": minutes belongs to another trigger: this job's is 'cron'/,
    ],
    [{ id: 'j', func, trigger: 'cron', cronLine: '0 2 * * *', hour: 2 }, /hour belongs to .* 'cron' with cronLine/],
    [
      { id: 'j', func, trigger: '0 2 * * *', hour: 2 },
      /hour belongs to .* is a cron line, which takes nothing beside it/,
    ],
    [{ id: 'j', func, trigger: '0 2 * * *', cronLine: '0 3 * * *' }, /cronLine belongs to/],
    [
      { id: 'j', func, trigger: 'date', runDate: new Date(0), hour: 2 },
      /hour belongs to .* 'date', which takes runDate/,
    ],
    [{ id: 'j', func, trigger: 'interval', minutes: 1, runDate: new Date(0) }, /runDate belongs to/],
    [{ id: 'j', func, trigger: 'cron', hour: null }, /hour null is no cron field/],
    [{ id: 'j', func, trigger: 'cron', hour: true }, /hour true is no cron field/],
    [{ id: 'j', func, trigger: 'cron', hour: [1, 2] }, /hour 1,2 is no cron field/],
    [{ id: 'j', func, trigger: 'cron', hour: 2.5 }, /hour 2.5 is no cron field/],
    [{ id: 'j', func, trigger: 'cron', hour: -1 }, /hour -1 cannot be read/],
    [{ id: 'j', func, trigger: 'cron', minute: '*/0' }, /minute \*\/0 cannot be read/],
    [{ id: 'j', func, trigger: 'cron', month: 13 }, /month 13 cannot be read/],
    [{ id: 'j', func, trigger: 'cron', dayOfWeek: 'someday' }, /dayOfWeek someday cannot be read/],
    [{ id: 'j', func, trigger: 'cron', hour: 1, timezone: 5 }, /timezone 5 is no zone/],
    [{ id: 'j', func, trigger: 'cron', hour: 1, timezone: '' }, /timezone "" is no zone/],
    [{ id: 'j', func, trigger: '@daily' }, /trigger is 'cron'/],
    [{ id: 'j', func }, /trigger is 'cron'/],
    [{ id: 'j', func, trigger: 'interval', minutes: Number.NaN }, /minutes is a number above 0/],
    [{ id: 'j', func, trigger: 'interval', minutes: '5' }, /minutes is a number above 0/],
    [{ id: 'j', func, trigger: 'interval', weeks: 1e300 }, /more than 100 years/],
    [{ id: 'j', func, trigger: 'interval', seconds: 0.0001 }, /longer than nothing/],
    [{ id: 'j', func, trigger: 'date', runDate: '2030-01-01' }, /runDate is no valid Date/],
    [{ id: 'j', func, trigger: 'date', runDate: 1 }, /runDate is no valid Date/],
    [
      { id: 'j', func, trigger: 'date', runDate: new Date(5), start: new Date(6) },
      /runDate lies outside of start and end/,
    ],
    [{ id: 'j', func, trigger: 'cron', hour: 1, start: 'now' }, /start is no valid Date/],
    [{ id: 'j', func, trigger: 'cron', hour: 1, start: new Date(6), end: new Date(5) }, /end lies before start/],
    [{ id: 'j', func, trigger: 'cron', hour: 1, jitter: -1 }, /job j: jitter/],
    [{ id: 'j', func, trigger: 'cron', hour: 1, args: 'x' }, /args is a list/],
    [{ id: 'j', func, trigger: 'cron', hour: 1, coalesce: 'yes' }, /coalesce is true or false/],
    [{ id: 'j', func: ping, trigger: 'cron', hour: 1 }, /func is the send of a task/],
    [{ id: '', func, trigger: 'cron', hour: 1 }, /has an id/],
    [{ id: 'a\nb', func, trigger: 'cron', hour: 1 }, /has an id/],
    [undefined, /has an id/],
    [{ id: 'j', func, trigger: 'interval', minutes: 1, color: 1 }, /color is no option/],
  ])('%o', (job, problem) => {
    const add = () => scheduler.addJob(job as never);
    expect(add).toThrow(ConfigError);
    expect(add).toThrow(problem);
    expect(scheduler.getJobs()).toEqual([]);
  });

  it('an id that is known, unless it is to be replaced; and one that is not', async () => {
    const { tm: manager, scheduler: own } = bench();
    const task = manager.task({ name: 't' }, async () => undefined);
    own.addJob({ id: 'j', func: task.send, trigger: 'interval', minutes: 1 });
    expect(() => own.addJob({ id: 'j', func: task.send, trigger: 'interval', minutes: 2 })).toThrow(/known already/);
    own.addJob({ id: 'j', func: task.send, trigger: 'interval', minutes: 2, replaceExisting: true });
    expect(own.getJobs().map(({ trigger }) => trigger)).toEqual(['every 2 minutes']);
    expect(() => own.rescheduleJob('k', { trigger: 'interval', minutes: 1 })).toThrow(/no job "k"; known are j/);
  });

  it('another trigger for a job is checked as at first, and what it does not change is refused', () => {
    const { tm: manager, scheduler: own } = bench();
    const task = manager.task({ name: 't' }, async () => undefined);
    own.addJob({ id: 'j', func: task.send, trigger: 'interval', minutes: 1 });
    expect(() => own.rescheduleJob('j', { trigger: 'cron', hour: 25 })).toThrow(/hour 25 cannot be read/);
    expect(() => own.rescheduleJob('j', { trigger: 'interval', hour: 2 } as never)).toThrow(/hour belongs to another/);
    expect(() => own.rescheduleJob('j', { trigger: 'interval', minutes: 2, jitter: 5 } as never)).toThrow(
      /jitter stays as it is/,
    );
    expect(own.getJobs().map(({ trigger }) => trigger)).toEqual(['every 1 minute']);
  });

  it.each(['pauseJob', 'resumeJob', 'removeJob'] as const)('%s of a job that is not there', async (name) => {
    await expect(bench().scheduler[name]('k')).rejects.toThrow(/no job "k"; known are none/);
  });
});
