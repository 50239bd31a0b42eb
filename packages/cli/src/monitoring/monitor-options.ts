import { UsageError } from '../exit.ts';

/** Options of a command that serves metrics and health. */
export interface MonitorOptions {
  readonly port?: number | undefined;
  /** @default the loopback address */
  readonly host?: string | undefined;
  /** File that is touched every second while the worker is alive. */
  readonly healthFile?: string | undefined;
}

export const LOOPBACK = '127.0.0.1';

/** The options of the command line. */
export interface MonitorFlags {
  readonly metricsPort?: number;
  readonly metricsHost?: string;
  readonly healthFile?: string;
}

/**
 * The options of a worker command, completed by `TASK_METRICS_PORT`.
 *
 * @throws UsageError for a variable that is not a port, and for a host without a port
 */
export async function workerMonitorOptions(given: MonitorFlags): Promise<MonitorOptions> {
  const { readEnvironment } = await import('@brokkr/core/adapter');
  const text = readEnvironment().TASK_METRICS_PORT;
  const port = given.metricsPort ?? (text === undefined || text === '' ? undefined : portOf(text));
  return monitorOptions({ ...given, ...(port !== undefined && { metricsPort: port }) }, ' or set TASK_METRICS_PORT');
}

/**
 * The options of a command that is not a worker. The variable is not read: a worker with the same environment file would
 * have the port already.
 *
 * @throws UsageError for a host without a port
 */
export function monitorOptions(given: MonitorFlags, otherwise = ''): MonitorOptions {
  const { metricsPort: port, metricsHost: host, healthFile } = given;
  if (port === undefined && host !== undefined) {
    throw new UsageError(`--metrics-host needs a port: give --metrics-port${otherwise}`);
  }
  return { port, host, healthFile };
}

function portOf(text: string): number {
  const port = parsePort(text);
  if (port !== undefined) return port;
  throw new UsageError(`TASK_METRICS_PORT: a port from 1 to 65535, got ${JSON.stringify(text.slice(0, 60))}`);
}

/** @returns `undefined` if the text is not a port */
export function parsePort(text: string): number | undefined {
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}

/** Whether only this host reaches an address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
