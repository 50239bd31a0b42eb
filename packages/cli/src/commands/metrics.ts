import { type OpenedBroker, withBroker } from '../app/open-broker.ts';
import { queueNames } from '../app/queue-names.ts';
import { EXIT } from '../exit.ts';
import { describe } from '../explain.ts';
import { isLoopback } from '../monitoring/monitor-options.ts';
import { exportedQueues } from '../monitoring/exported-queues.ts';
import { openMonitor } from '../monitoring/open-monitor.ts';
import { print, printable } from '../output.ts';
import { StopRequests } from '../processes/stop-requests.ts';

export interface MetricsOptions {
  readonly app?: string;
  readonly broker?: string;
  readonly queues?: string;
  readonly port: number;
  readonly host: string;
  readonly once: boolean;
}

type Format = 'text' | 'openmetrics';

/**
 * Serves the metrics of queues until it is stopped; with `once` it prints them. One process of a system does this: every
 * process would report the same figures, and a sum over them would be wrong.
 *
 * @returns the exit code
 */
export async function metricsCommand(options: MetricsOptions): Promise<number> {
  const stopped = new AbortController();
  const requests = options.once ? undefined : new StopRequests(() => stopped.abort());
  try {
    await withBroker(options.broker, 'brokkr metrics', async (opened) => {
      const read = await reader(opened, options);
      if (options.once) {
        process.stdout.write(await read('text'));
        return;
      }
      await serve(options, reported(shared(read)), stopped.signal);
    });
  } finally {
    requests?.close();
  }
  return EXIT.fine;
}

async function serve({ port, host }: MetricsOptions, metrics: (format: Format) => Promise<string>, ended: AbortSignal) {
  const server = await openMonitor(port, host, { metrics }, '--port');
  const address = host.includes(':') ? `[${host}]` : host;
  print(`serving http://${address}:${port}/metrics${isLoopback(host) ? '' : ' to the network, without a password'}`);
  if (!ended.aborted) await new Promise((resolve) => ended.addEventListener('abort', resolve, { once: true }));
  await server.close();
}

/** Reads the metrics of the queues that the options name, or of all. */
async function reader(opened: OpenedBroker, options: MetricsOptions): Promise<(format: Format) => Promise<string>> {
  const { app } = options;
  const { queueFamilies, single, writeMetrics } = await import('@brokkr/core/metrics');
  const { broker } = opened;
  const named = await exportedQueues(opened, options);
  // A server that cannot list its queues knows those of the application: they do not change while this runs.
  const known = named ?? (broker.capabilities.counts === 'exact' ? undefined : await queueNames(opened, app));
  return async (format) => {
    const names = known ?? (await queueNames(opened, app));
    const families = await queueFamilies(broker, names, Date.now());
    const up = single('brokkr_broker_up', 'Whether the broker answered.', 1, 'min');
    return writeMetrics([...families, up], format);
  };
}

/** Scrapes at the same time share one reading: the load on the server does not grow with the number of scrapers. */
function shared(read: (format: Format) => Promise<string>): (format: Format) => Promise<string> {
  const reading = new Map<Format, Promise<string>>();
  return (format) => {
    const pending = reading.get(format);
    if (pending !== undefined) return pending;
    const begun = read(format).finally(() => reading.delete(format));
    reading.set(format, begun);
    return begun;
  };
}

/** A failed reading is printed, and answered by the one metric that is known then. */
function reported(metrics: (format: Format) => Promise<string>): (format: Format) => Promise<string> {
  return async (format) => {
    try {
      return await metrics(format);
    } catch (error) {
      process.stderr.write(`error: ${printable(describe(error as Error))}\n`);
      const { single, writeMetrics } = await import('@brokkr/core/metrics');
      return writeMetrics([single('brokkr_broker_up', 'Whether the broker answered.', 0, 'min')], format);
    }
  };
}
