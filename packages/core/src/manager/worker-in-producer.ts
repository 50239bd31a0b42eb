import { ConfigError } from '../errors/errors.ts';

/** The error for a worker in a process that was set to be a producer. */
export function workerInProducer(): ConfigError {
  return new ConfigError(
    'this process was set to be a producer (runMode, or SERVICE_TYPE=api); create workers in another process',
    { code: 'WORKER_IN_PRODUCER' },
  );
}
