import { afterEach, expect, it, vi } from 'vitest';
import { bench } from './bench.ts';

afterEach(() => vi.unstubAllEnvs());

function jobs() {
  const { tm, scheduler } = bench();
  const { send } = tm.task({ name: 't' }, async () => undefined);
  return { scheduler, send };
}

it.each([
  ['', 'UTC'],
  [' ', 'UTC'],
  ['UTC', 'UTC'],
  ['Europe/Vienna', 'Europe/Vienna'],
  [':Europe/Vienna', 'Europe/Vienna'],
  ['/usr/share/zoneinfo/Asia/Tokyo', 'Asia/Tokyo'],
])('TZ=%j: a cron job without a timezone is in %s', (TZ, zone) => {
  vi.stubEnv('TZ', TZ);
  const { scheduler, send } = jobs();
  for (const line of ['0 9 * * *', '*/5 * * * *']) {
    const job = scheduler.addJob({ id: line, func: send, trigger: line as '0 9 * * *' });
    expect(job.timezone).toBe(zone);
    expect(job.nextRunAt).toBeInstanceOf(Date);
  }
});

it.each(['Foo/Bar', 'UTC+3', 'localtime', ':/no/such/file', '/etc/passwd'])(
  'TZ=%j: a cron job without a timezone is refused because of TZ, other jobs are not',
  (TZ) => {
    vi.stubEnv('TZ', TZ);
    const { scheduler, send } = jobs();
    for (const line of ['0 9 * * *', '*/5 * * * *'] as const) {
      expect(() => scheduler.addJob({ id: 'j', func: send, trigger: line })).toThrow(
        expect.objectContaining({
          code: 'JOB_INVALID',
          message: expect.stringContaining(`TZ=${JSON.stringify(TZ)} is not`),
        }),
      );
    }
    expect(scheduler.addJob({ id: 'i', func: send, trigger: 'interval', hours: 1 }).timezone).toBe('UTC');
    scheduler.addJob({ id: 'd', func: send, trigger: 'date', runDate: new Date('2040-01-01') });
    scheduler.addJob({ id: 'z', func: send, trigger: '0 9 * * *', timezone: 'Europe/Vienna' });
    expect(() => scheduler.rescheduleJob('i', { trigger: 'cron', hour: 2 })).toThrow(
      /timezone is the host's by default/,
    );
  },
);
