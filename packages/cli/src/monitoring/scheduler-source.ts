import type { HealthReason, WorkerHealth } from '@brokkr/core/metrics';
import type { SchedulerManager } from '@brokkr/scheduler';
import type { WorkerSource } from './open-monitoring.ts';

/** Metrics and health of the schedulers of this process: their jobs, and the messages that they send. */
export async function schedulerSource(schedulers: readonly SchedulerManager[]): Promise<WorkerSource> {
  const { mergeMetrics, writeMetrics } = await import('@brokkr/core/metrics');
  const managers = [...new Set(schedulers.flatMap((scheduler) => scheduler.managers()))];
  return {
    metrics: (format) => {
      const families = [...schedulers, ...managers].map((source) => source.metricFamilies());
      return writeMetrics(mergeMetrics(families), format);
    },
    health: async (): Promise<WorkerHealth> => {
      const all = schedulers.map((scheduler) => scheduler.health());
      const reasons = (of: (health: WorkerHealth) => readonly HealthReason[]) => all.flatMap(of);
      return {
        live: reasons(({ live }) => live),
        ready: reasons(({ ready }) => ready),
        started: reasons(({ started }) => started),
      };
    },
  };
}
