import { checkOwnQueueName } from '../broker/names.ts';
import { advice, checkOptions, type OptionNames } from '../errors/check-options.ts';
import { ConfigError } from '../errors/errors.ts';
import { kindOf, shown } from '../errors/kind-of.ts';
import type { StopOptions, WorkerEvents, WorkerOptions } from './worker.ts';

const DEFAULT_WEIGHT = 1;
/** The id is stored in dead letters, and is part of keys at servers. */
const WORKER_ID = /^\P{Cc}{1,200}$/u;
const WORKER_OPTIONS: OptionNames<WorkerOptions> = { queues: true, concurrency: true, strict: true, workerId: true };
const STOP_OPTIONS: OptionNames<StopOptions> = { timeout: true };
const EVENTS: OptionNames<WorkerEvents> = {
  started: true,
  stopped: true,
  succeeded: true,
  retrying: true,
  dead: true,
  expired: true,
  cancelled: true,
  leaseLost: true,
  paused: true,
  resumed: true,
};

/** @throws ConfigError for an unknown option, and for an invalid `strict` or `workerId` */
export function checkWorkerOptions(options: WorkerOptions): void {
  checkOptions(options, WORKER_OPTIONS, 'createWorker');
  const strict: unknown = options.strict;
  const workerId: unknown = options.workerId;
  if (strict !== undefined && typeof strict !== 'boolean') {
    throw new ConfigError(`strict must be true or false; got ${shown(strict)}`, { code: 'WORKER_OPTIONS_INVALID' });
  }
  if (workerId !== undefined && !(typeof workerId === 'string' && WORKER_ID.test(workerId))) {
    throw new ConfigError(`workerId must be 1 to 200 printable characters; got ${shown(workerId)}`, {
      code: 'WORKER_OPTIONS_INVALID',
    });
  }
}

/** @throws ConfigError for an unknown option */
export function checkStopOptions(options: StopOptions): void {
  checkOptions(options, STOP_OPTIONS, 'stop');
}

/**
 * The queues of a worker and their weights, in the given order.
 * @throws ConfigError for an invalid name or weight, or if there is no queue
 */
export function workerQueues(queues: WorkerOptions['queues'], defaultQueue: string): ReadonlyMap<string, number> {
  const weights = entries(queues ?? [defaultQueue]);
  if (weights.length === 0)
    throw new ConfigError('queues must name at least one queue; got none', { code: 'WORKER_QUEUES_INVALID' });
  for (const [name, weight] of weights) {
    checkOwnQueueName(name);
    if (!(typeof weight === 'number' && weight > 0 && Number.isFinite(weight))) {
      throw new ConfigError(`queues: the weight of ${name} must be a number above 0; got ${shown(weight)}`, {
        code: 'WORKER_QUEUES_INVALID',
      });
    }
  }
  return new Map(weights);
}

function entries(queues: NonNullable<WorkerOptions['queues']>): [string, number][] {
  if (Array.isArray(queues)) return queues.map((name: string) => [name, DEFAULT_WEIGHT]);
  if (typeof queues === 'object' && queues !== null && !(Symbol.iterator in queues)) return Object.entries(queues);
  throw new ConfigError(
    `queues must be a list of names (['emails']) or an object of weights by name ({ emails: 3 }); got ${kindOf(queues)}`,
    { code: 'WORKER_QUEUES_INVALID' },
  );
}

/** Checks the option `concurrency`. @throws ConfigError (`CONCURRENCY_INVALID`) if it is not a whole number, 1 or more */
export function checkConcurrency(concurrency: number): number {
  if (Number.isSafeInteger(concurrency) && concurrency >= 1) return concurrency;
  throw new ConfigError(`concurrency must be a whole number, 1 or more; got ${shown(concurrency)}`, {
    code: 'CONCURRENCY_INVALID',
  });
}

/**
 * Checks the arguments of `on`, `once` and `off`: a listener of a misspelled event would never be called.
 * @param method for the error, such as `worker.on`
 * @throws ConfigError (`EVENT_UNKNOWN`) with the nearest event, (`LISTENER_INVALID`) if the listener is not a function
 */
export function checkListener(event: unknown, listener: unknown, method: string): void {
  if (typeof event !== 'string' || !Object.hasOwn(EVENTS, event)) {
    const told =
      typeof event === 'string' ? advice(event, Object.keys(EVENTS)) : `known are ${Object.keys(EVENTS).join(', ')}`;
    throw new ConfigError(`${method}: unknown event ${shown(event)}; ${told}`, { code: 'EVENT_UNKNOWN' });
  }
  if (typeof listener === 'function') return;
  throw new ConfigError(`${method}: the listener of ${event} must be a function; got ${kindOf(listener)}`, {
    code: 'LISTENER_INVALID',
  });
}
