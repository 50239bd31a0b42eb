import { describe, expect, it } from 'vitest';
import { LAST_INSTANT } from '../src/trigger.ts';
import { bench, held } from './bench.ts';

const LAST = new Date(LAST_INSTANT);
const FIRST = new Date(-LAST_INSTANT);

function jobs() {
  const { tm, scheduler } = bench();
  const ping = tm.task({ name: 'ping' }, async () => undefined);
  return { scheduler, ping, func: ping.send };
}

describe('dates at the bounds of what a Date can hold', () => {
  it('a start at the last instant: an interval has one tick, a cron line none', () => {
    const { scheduler, func } = jobs();
    const interval = scheduler.addJob({ id: 'i', func, trigger: 'interval', weeks: 1, start: LAST });
    expect(interval.nextRuns(3)).toEqual([LAST]);
    for (const timezone of ['UTC', 'Europe/Vienna']) {
      for (const trigger of ['0 2 * * *', '*/5 * * * * *'] as never[]) {
        const job = scheduler.addJob({ id: `${timezone} ${trigger}`, func, trigger, start: LAST, timezone });
        expect(job.nextRunAt).toBeUndefined();
      }
    }
  });

  it('a start at the first instant: ticks count from there', async () => {
    const { scheduler, ping, func } = jobs();
    const app = held([ping]);
    scheduler.addJob({ id: 'i', func, trigger: 'interval', days: 1, start: FIRST });
    scheduler.addJob({ id: 'c', func, trigger: '0 2 * * *', timezone: 'Europe/Vienna', start: FIRST, end: LAST });
    await scheduler.start();
    await app.advance('3d');
    expect(app.sent(ping)).toHaveLength(6);
  });

  it('a runDate at the last instant, and one in 60 days, wait', async () => {
    const { scheduler, ping, func } = jobs();
    const app = held([ping]);
    scheduler.addJob({ id: 'last', func, trigger: 'date', runDate: LAST });
    scheduler.addJob({ id: 'soon', func, trigger: 'date', runDate: new Date('2030-03-02T00:00:00Z') });
    await scheduler.start();
    await app.advance('59d');
    expect(app.sent(ping)).toHaveLength(0);
    await app.advance('2d');
    expect(app.sent(ping)).toHaveLength(1);
  });

  it('the longest interval, jitter and grace are no error', async () => {
    const { scheduler, ping, func } = jobs();
    const app = held([ping]);
    const most = '10000000d';
    const job = scheduler.addJob({
      id: 'j',
      func,
      trigger: 'interval',
      days: 36_500,
      start: app.now(),
      jitter: most,
      misfireGraceTime: most,
    });
    await scheduler.start();
    await app.advance('80000d');
    expect(app.sent(ping).length).toBeGreaterThanOrEqual(1);
    expect(job.nextRunAt?.getTime()).toBeGreaterThan(app.now().getTime());
  });

  it('a year in the past or far in the future: no tick, or the one of that year', () => {
    const { scheduler, func } = jobs();
    expect(scheduler.addJob({ id: 'p', func, trigger: 'cron', year: 1999 }).nextRunAt).toBeUndefined();
    const far = scheduler.addJob({ id: 'f', func, trigger: 'cron', year: 2999, timezone: 'UTC' });
    expect(far.nextRuns(2).map((date) => date.toISOString())).toEqual(['2999-01-01T00:00:00.000Z']);
  });
});
