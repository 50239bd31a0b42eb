import { describe, expect, it } from 'vitest';
import { cronFieldsTrigger, cronLineTrigger } from '../src/cron-trigger.ts';
import { IntervalTrigger } from '../src/simple-triggers.ts';
import type { Trigger } from '../src/trigger.ts';

function runs(trigger: Trigger, from: string, count: number): string[] {
  const found: string[] = [];
  for (let at = trigger.next(Date.parse(from)); at !== undefined && found.length < count; at = trigger.next(at)) {
    found.push(new Date(at).toISOString().replace(':00.000Z', 'Z'));
  }
  return found;
}

describe('cron by fields', () => {
  it.each([
    [{ hour: 2 }, ['2025-01-01T02:00Z', '2025-01-02T02:00Z']],
    [{ minute: '*/15' }, ['2025-01-01T00:15Z', '2025-01-01T00:30Z']],
    [{ dayOfWeek: 'mon-fri', hour: '9-17', minute: '*/15' }, ['2025-01-01T09:00Z', '2025-01-01T09:15Z']],
    [{ dayOfWeek: 'sun' }, ['2025-01-05T00:00Z', '2025-01-12T00:00Z']],
    [{ dayOfWeek: 7, hour: 3 }, ['2025-01-05T03:00Z', '2025-01-12T03:00Z']],
    [{ month: 3 }, ['2025-03-01T00:00Z', '2026-03-01T00:00Z']],
    [{ day: 13, dayOfWeek: 'fri' }, ['2025-06-13T00:00Z', '2026-02-13T00:00Z']],
    [{ year: 2026, month: 'feb', day: 'L' }, ['2026-02-28T00:00Z']],
  ])('%o: smaller fields have their minimum, larger ones any value', (fields, expected) => {
    expect(runs(cronFieldsTrigger(fields, 'UTC'), '2025-01-01T00:00:00Z', 2)).toEqual(expected);
  });
});

describe('daylight saving', () => {
  it.each([
    // A skipped time: the first instant after the gap.
    ['30 2 * * *', 'Europe/Vienna', '2025-03-29T12:00:00Z', ['2025-03-30T01:00Z', '2025-03-31T00:30Z']],
    ['30 2 * * *', 'America/New_York', '2025-03-08T12:00:00Z', ['2025-03-09T07:00Z', '2025-03-10T06:30Z']],
    // A time that comes twice: the first of them.
    ['30 2 * * *', 'Europe/Vienna', '2025-10-25T12:00:00Z', ['2025-10-26T00:30Z', '2025-10-27T01:30Z']],
    ['30 1 * * *', 'America/New_York', '2025-11-01T12:00:00Z', ['2025-11-02T05:30Z', '2025-11-03T06:30Z']],
    // The same for several times, and one tick for all times of one gap.
    ['0 2,14 * * *', 'Europe/Vienna', '2025-03-30T00:00:00Z', ['2025-03-30T01:00Z', '2025-03-30T12:00Z']],
    ['0 2,14 * * *', 'Europe/Vienna', '2025-10-25T13:00:00Z', ['2025-10-26T00:00Z', '2025-10-26T13:00Z']],
    ['0,30 2 * * *', 'America/New_York', '2025-03-09T06:00:00Z', ['2025-03-09T07:00Z', '2025-03-10T06:00Z']],
    ['0-30/15 1-2 * * *', 'Australia/Lord_Howe', '2025-10-04T15:15:00Z', ['2025-10-04T15:30Z', '2025-10-05T14:00Z']],
    ['30 0,12 * * *', 'America/Santiago', '2025-09-07T00:00:00Z', ['2025-09-07T04:00Z', '2025-09-07T15:30Z']],
    ['30 23,12 * * *', 'America/Santiago', '2025-04-06T01:00:00Z', ['2025-04-06T02:30Z', '2025-04-06T16:30Z']],
    // Any minute: the ticks follow real time through both changes.
    ['*/30 * * * *', 'Europe/Vienna', '2025-10-26T00:00:00Z', ['2025-10-26T00:30Z', '2025-10-26T01:00Z']],
    ['*/30 * * * *', 'Europe/Vienna', '2025-03-30T00:30:00Z', ['2025-03-30T01:00Z', '2025-03-30T01:30Z']],
    // A zone without daylight saving, half an hour off.
    ['0 9 * * *', 'Asia/Kolkata', '2025-03-30T00:00:00Z', ['2025-03-30T03:30Z', '2025-03-31T03:30Z']],
  ])('%s in %s after %s', (line, zone, from, expected) => {
    expect(runs(cronLineTrigger(line, zone), from, 2)).toEqual(expected);
  });

  it.each([
    ['Europe/Vienna', '2025-03-30'],
    ['Europe/Vienna', '2025-10-26'],
    ['Australia/Lord_Howe', '2025-10-05'],
    ['Australia/Lord_Howe', '2025-04-06'],
    ['Africa/Cairo', '2025-04-25'],
    ['America/Havana', '2025-11-02'],
    ['Antarctica/Troll', '2025-03-30'],
  ])('in %s on %s: the ticks do not depend on when a scheduler starts', (zone, day) => {
    const from = Date.parse(`${day}T00:00:00Z`) - 86_400_000;
    for (const line of ['0,30 0-3 * * *', '*/20 1-2 * * *', '*/30 * * * *', '30 2 * * *']) {
      const ticks: number[] = [];
      const chained = cronLineTrigger(line, zone);
      for (let at = chained.next(from); at !== undefined && at < from + 4 * 86_400_000; at = chained.next(at)) {
        ticks.push(at);
      }
      for (let start = from; start < from + 3 * 86_400_000; start += 600_000) {
        expect(cronLineTrigger(line, zone).next(start)).toBe(ticks.find((tick) => tick > start));
      }
    }
  });

  it.each(['Europe/Vienna', 'America/New_York', 'Australia/Lord_Howe', 'America/Santiago', 'Africa/Cairo'])(
    'in %s each day of a year has one tick, later than the one before',
    (zone) => {
      const trigger = cronLineTrigger('30 2 * * *', zone);
      const days = new Intl.DateTimeFormat('en-CA', { timeZone: zone, dateStyle: 'short' });
      const seen = new Set<string>();
      let at = Date.parse('2025-01-01T12:00:00Z');
      for (let day = 0; day < 365; day++) {
        const next = trigger.next(at) as number;
        expect(next).toBeGreaterThan(at);
        at = next;
        seen.add(days.format(at));
      }
      expect(seen.size).toBe(365);
    },
  );
});

it('intervals count from an instant that all schedulers know, and ignore daylight saving', () => {
  const trigger = new IntervalTrigger(90_000, 0);
  expect(trigger.next(0)).toBe(90_000);
  expect(trigger.next(89_999)).toBe(90_000);
  expect(new IntervalTrigger(90_000, 1_000).next(0)).toBe(1_000);
  expect(trigger.words).toBe('every 1 minute 30 seconds');
});
