import { ConfigError } from '../errors/errors.ts';
import type { RunMode } from './manager-options.ts';

/** @throws ConfigError (`WORKER_IN_PRODUCER`) in a process that was set to only send */
export function checkMayRun(mode: RunMode): void {
  if (mode !== 'producer') return;
  throw new ConfigError(
    "cannot create a worker: this process is set to only send (runMode 'producer', or SERVICE_TYPE=api); run the worker in another process, for example with brokkr worker",
    { code: 'WORKER_IN_PRODUCER' },
  );
}
