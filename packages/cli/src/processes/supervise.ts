import type { App } from '../app/load-app.ts';
import { childCommand } from './child-command.ts';
import { ChildrenSource } from './children-source.ts';
import type { MonitorOptions } from '../monitoring/monitor-options.ts';
import { openMonitoring } from '../monitoring/open-monitoring.ts';
import { inTime } from '../deadline.ts';
import type { StopRequests } from './stop-requests.ts';
import { Supervisor } from './supervisor.ts';
import { watchSources } from './watch-sources.ts';

export interface SuperviseOptions {
  readonly manager?: string | undefined;
  readonly queues?: string | undefined;
  readonly concurrency?: number;
  readonly processes: number;
  readonly broker?: string;
  readonly workerId?: string;
  readonly watch: boolean;
  readonly monitoring: MonitorOptions;
}

/** Time for closing the supervisor's own connection. */
const CLOSE_MS = 2_000;

/**
 * Runs `processes` worker processes until it is asked to stop; with `watch` it restarts them when a source file changes.
 *
 * @returns the highest exit code of the processes
 */
export async function supervise(app: App, options: SuperviseOptions, requests: StopRequests): Promise<number> {
  const supervisor = new Supervisor(app, {
    ...childCommand(app.path, options),
    workerId: options.workerId,
    watches: options.watch,
    shutdownMs: app.manager.config.shutdownTimeoutMs,
    onEnded: (child) => source?.ended(child),
  });
  const { leaseMs } = app.manager.config;
  const { processes, monitoring } = options;
  const isWatched = monitoring.port !== undefined || monitoring.healthFile !== undefined;
  const source = isWatched
    ? await ChildrenSource.open({
        children: () => supervisor.children,
        processes,
        leaseMs,
        metrics: monitoring.port !== undefined,
      })
    : undefined;
  const closeMonitoring = source && (await openMonitoring(monitoring, source, app.core));
  requests.listen((request) => supervisor.stop(request));
  const unwatch = options.watch ? await watchSources(app.path, () => supervisor.restart()) : undefined;
  const numbers = Array.from({ length: options.processes }, (_, index) => index + 1);
  const codes = await Promise.all(
    numbers.map((number) => supervisor.keepOne(options.processes === 1 ? undefined : number)),
  );
  await unwatch?.();
  await inTime(app.manager.close(), CLOSE_MS);
  source?.close();
  await closeMonitoring?.();
  return Math.max(...codes);
}
