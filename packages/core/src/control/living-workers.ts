import type { Broker } from '../broker/broker.ts';
import type { WorkerReport } from '../broker/worker-report.ts';
import { UnsupportedFeatureError } from '../errors/errors.ts';

/** The report of a living worker, and how old it is. */
export interface LivingWorker extends WorkerReport {
  readonly ageMs: number;
}

/** The living workers of every host, by id. @throws UnsupportedFeatureError (`WORKERS_UNSUPPORTED`) if the broker has no reports */
export async function livingWorkers({ workers }: Broker): Promise<readonly LivingWorker[]> {
  if (workers === undefined) {
    throw new UnsupportedFeatureError('this broker has no reports of workers; look at the processes of each host', {
      code: 'WORKERS_UNSUPPORTED',
    });
  }
  const reports = await workers.reports();
  return reports.map(({ report, ageMs }) => ({ ...report, ageMs })).sort((a, b) => (a.id < b.id ? -1 : 1));
}
