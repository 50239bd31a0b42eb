import { randomUUID } from 'node:crypto';
import { testApp } from '@brokkr/broker-memory/testing';
import { TaskManager } from '@brokkr/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SchedulerManager } from '../src/index.ts';
import { onCleanUp } from './bench.ts';

afterEach(() => vi.useRealTimers());

/** A scheduler that lives as long as the process, as an application has it. */
function application() {
  const tm = TaskManager.getInstance(randomUUID()).configure({ logLevel: 'silent' });
  const nightly = tm.task({ name: 'nightly' }, async () => undefined);
  const scheduler = SchedulerManager.getInstance(tm.name);
  onCleanUp(() => scheduler.stop());
  const job = scheduler.addJob({ id: 'nightly', func: nightly.send, trigger: 'cron', hour: 2, timezone: 'UTC' });
  return { nightly, scheduler, job };
}

describe('one scheduler in several test apps', () => {
  it('sends every tick of each, although time starts again', async () => {
    const { nightly, scheduler, job } = application();
    for (const days of [7, 2, 9]) {
      const app = testApp({ tasks: [nightly] });
      await scheduler.start();
      await app.advance(`${days}d`);
      expect(app.sent(nightly)).toHaveLength(days);
      expect(job.nextRunAt?.getTime()).toBe(app.now().getTime() + 2 * 3_600_000);
      await scheduler.stop();
      await app.close();
    }
  });

  it.each(['the scheduler is not stopped', 'the scheduler is stopped after the app'])('%s in between', async (name) => {
    const { nightly, scheduler } = application();
    for (const days of [7, 2, 9]) {
      const app = testApp({ tasks: [nightly] });
      await scheduler.start();
      await app.advance(`${days}d`);
      expect(app.sent(nightly)).toHaveLength(days);
      await app.close();
      if (name.includes('after')) await scheduler.stop();
    }
  });

  it('forgets pauses, missed ticks and progress of the test before', async () => {
    const { nightly, scheduler, job } = application();
    const first = testApp({ tasks: [nightly] });
    await scheduler.start();
    await first.advance('3d');
    await scheduler.pauseJob('nightly');
    await first.close();
    const second = testApp({ tasks: [nightly] });
    await scheduler.start();
    expect(job).toMatchObject({ paused: false, missed: 0 });
    expect(job.nextRunAt?.toISOString()).toBe('2030-01-01T02:00:00.000Z');
    await second.advance('1d');
    expect(second.sent(nightly)).toHaveLength(1);
    await second.close();
  });

  it('sends nothing to the broker of the application when an app is closed under it', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const { nightly, scheduler } = application();
    const tm = TaskManager.of(nightly);
    const app = testApp({ tasks: [nightly] });
    await scheduler.start();
    await app.advance('1d');
    await app.close();
    vi.advanceTimersByTime(60_000);
    await app.clock.advance(10 * 86_400_000);
    expect((await (await tm.broker()).inspector?.counts('default'))?.published ?? 0).toBe(0);
    await tm.close();
  });

  it('runs under faked timers', async () => {
    vi.useFakeTimers();
    const { nightly, scheduler } = application();
    const app = testApp({ tasks: [nightly] });
    await scheduler.start();
    await app.advance('30d');
    expect(app.sent(nightly)).toHaveLength(30);
    await scheduler.stop();
    await app.close();
  });
});
