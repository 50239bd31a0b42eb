import { MemoryBroker } from '@brokkr/broker-memory';
import { writeMetrics } from '@brokkr/core/metrics';
import { describe, expect, it } from 'vitest';
import { ElectingOnly, onCleanUp, place, start } from './bench.ts';

/** The lines of the metrics, without help and types. */
function read(scheduler: Parameters<typeof text>[0]): readonly string[] {
  return text(scheduler)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function text(scheduler: { metricFamilies: () => Parameters<typeof writeMetrics>[0] }): string {
  return writeMetrics(scheduler.metricFamilies());
}

describe('the metrics of a scheduler', () => {
  it('count ticks that were sent and missed, and the time since the last one', async () => {
    const here = place();
    const { scheduler } = await start(here);
    await here.clock.advance(35_000);
    const lines = read(scheduler);
    expect(lines).toContain(`brokkr_scheduler_leader{scheduler="${scheduler.name}"} 1`);
    expect(lines).toContain('brokkr_scheduler_ticks_total{job_id="p"} 3');
    expect(lines).toContain('brokkr_scheduler_missed_total{job_id="p"} 0');
    expect(lines.find((line) => line.startsWith('brokkr_scheduler_last_tick_seconds{job_id="p"} '))).toMatch(
      / \d(\.\d+)?$/,
    );
    expect(lines).toContain('brokkr_scheduler_paused{job_id="p"} 0');
    await scheduler.pauseJob('p');
    expect(read(scheduler)).toContain('brokkr_scheduler_paused{job_id="p"} 1');
  });

  it('count ticks as missed that the task refuses', async () => {
    const here = place();
    const { scheduler } = await start(here, { args: [() => 'a function is no JSON'] } as object);
    await here.clock.advance(25_000);
    expect(read(scheduler)).toContain('brokkr_scheduler_missed_total{job_id="p"} 2');
    expect(read(scheduler)).toContain('brokkr_scheduler_ticks_total{job_id="p"} 0');
  });

  it('name one leader, while others wait, and are ready', async () => {
    const broker = new ElectingOnly();
    onCleanUp(() => broker.close());
    const here = { ...place(), broker };
    const [first, second] = [await start(here), await start(here)];
    await here.clock.advance(25_000);
    const leaders = [first, second].map(({ scheduler }) =>
      read(scheduler)
        .filter((line) => line.startsWith('brokkr_scheduler_leader'))
        .map((line) => line.slice(-1)),
    );
    expect(leaders).toEqual([['1'], ['0']]);
    expect(second.scheduler.health()).toEqual({ live: [], ready: [], started: [] });
  });

  it('have series for 200 jobs, and one more for the others', async () => {
    const here = place();
    const { scheduler } = await start(here);
    const [job] = scheduler.getJobs();
    expect(job?.id).toBe('p');
    const { tm } = { tm: scheduler.managers()[0] };
    const ping = tm.task({ name: 'other' }, async () => undefined);
    for (let index = 0; index < 300; index++)
      scheduler.addJob({ id: `job-${index}`, func: ping.send, trigger: 'interval', seconds: 10 });
    await here.clock.advance(12_000);
    const series = read(scheduler).filter((line) => line.startsWith('brokkr_scheduler_missed_total'));
    expect(series).toHaveLength(201);
    expect(series.at(-1)).toBe('brokkr_scheduler_missed_total{job_id="_other"} 0');
  });
});

describe('the health of a scheduler', () => {
  it('is started and ready once its jobs run, and dead once it has ended', async () => {
    const here = place();
    const { scheduler } = await start(here);
    expect(scheduler.health()).toEqual({ live: [], ready: [], started: [] });
    await scheduler.stop();
    expect(scheduler.health().live).toMatchObject([{ code: 'ENDED' }]);
  });

  it('is not ready while ticks cannot be sent for 30 s, and stays alive', async () => {
    let isAway = false;
    const here = place((clock) => {
      const broker = new MemoryBroker({ clock });
      const publish = broker.publish.bind(broker);
      return Object.assign(broker, {
        publish: (...given: Parameters<typeof publish>) =>
          isAway ? Promise.reject(new Error('unreachable')) : publish(...given),
      });
    });
    const { scheduler } = await start(here);
    isAway = true;
    await here.clock.advance(15_000);
    expect(scheduler.health().ready).toEqual([]);
    await here.clock.advance(31_000);
    expect(scheduler.health()).toMatchObject({ live: [], ready: [{ code: 'BROKER_SILENT' }] });
    isAway = false;
    await here.clock.advance(11_000);
    expect(scheduler.health().ready).toEqual([]);
  });
});
