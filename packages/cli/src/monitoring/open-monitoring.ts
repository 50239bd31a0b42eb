import type { MonitorSource, WorkerHealth } from '@brokkr/core/metrics';
import type { Core } from '../app/load-core.ts';
import { HealthFile } from './health-file.ts';
import { isLoopback, LOOPBACK, type MonitorOptions } from './monitor-options.ts';
import { openMonitor } from './open-monitor.ts';

export interface WorkerSource extends MonitorSource {
  readonly health: () => Promise<WorkerHealth>;
}

/**
 * Serves metrics and health of a worker command as its options demand.
 *
 * @returns closes it
 * @throws UsageError if the port or the file cannot be opened
 */
export async function openMonitoring(
  { port, host = LOOPBACK, healthFile }: MonitorOptions,
  source: WorkerSource,
  { logger }: Pick<Core, 'logger'>,
): Promise<() => Promise<void>> {
  const server = port === undefined ? undefined : await openMonitor(port, host, source, '--metrics-port');
  let file: HealthFile | undefined;
  try {
    file = healthFile === undefined ? undefined : await HealthFile.open(healthFile, source.health);
  } catch (error) {
    await server?.close();
    throw error;
  }
  if (server !== undefined) {
    const fields = { host, port };
    if (isLoopback(host)) logger.info(fields, 'serving /metrics, /livez, /readyz and /startupz');
    else logger.warn(fields, 'serving /metrics, /livez, /readyz and /startupz to the network, without a password');
  }
  return async () => {
    await file?.close();
    await server?.close();
  };
}
