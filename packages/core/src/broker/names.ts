import { ConfigError } from '../errors/errors.ts';
import { shown } from '../errors/kind-of.ts';
import { readLane } from './lane-names.ts';

const QUEUE_NAME = /^[A-Za-z0-9._-]{1,120}$/;
const TASK_NAME = /^[A-Za-z0-9._:-]{1,120}$/;
/** Suffixes and infixes of the queues that brokers keep for a queue. */
const RESERVED = /\.dead$|\.quarantine$|\.delay\./;

/**
 * Checks the name of a queue that a broker is asked for: 1 to 120 of `A-Z a-z 0-9 . _ -`, not reserved, and perhaps the
 * suffix of a lane. @throws ConfigError (`QUEUE_NAME_INVALID`, `QUEUE_NAME_RESERVED`)
 */
export function checkQueueName(name: string): void {
  const queue = typeof name === 'string' ? readLane(name).queue : name;
  if (!isQueueName(queue)) {
    throw new ConfigError(`queue name ${quote(name)}: use 1 to 120 characters of A-Z a-z 0-9 . _ -`, {
      code: 'QUEUE_NAME_INVALID',
    });
  }
  if (RESERVED.test(queue)) {
    throw new ConfigError(
      `queue name ${quote(name)}: names ending in .dead or .quarantine or holding .delay. belong to brokers; choose another`,
      { code: 'QUEUE_NAME_RESERVED' },
    );
  }
}

/** Whether a queue or a lane may have this name. Reserved names pass. */
export function isQueueName(name: unknown): name is string {
  return typeof name === 'string' && QUEUE_NAME.test(readLane(name).queue);
}

/**
 * Checks the name of a queue that an application gives: as `checkQueueName`, and not that of a lane.
 * @throws ConfigError (`QUEUE_NAME_INVALID`, `QUEUE_NAME_RESERVED`)
 */
export function checkOwnQueueName(name: string): void {
  checkQueueName(name);
  if (!/\.prio(\.|$)/.test(name)) return;
  throw new ConfigError(
    `queue name ${quote(name)}: names holding .prio. belong to the lanes of a queue; choose another, or send with the option priority`,
    { code: 'QUEUE_NAME_RESERVED' },
  );
}

const NAMESPACE = /^[A-Za-z0-9._-]{1,60}$/;

/**
 * Checks the prefix of everything that a broker stores: 1 to 60 characters of `A-Z a-z 0-9 . _ -`.
 * @param option name of the option, for the error
 * @throws ConfigError (`NAMESPACE_INVALID`) if it is invalid
 */
export function checkNamespace(namespace: unknown, option = 'namespace'): string {
  if (typeof namespace === 'string' && NAMESPACE.test(namespace)) return namespace;
  throw new ConfigError(`${option} must be 1 to 60 characters of A-Z a-z 0-9 . _ -; got ${shown(namespace)}`, {
    code: 'NAMESPACE_INVALID',
  });
}

/** Checks a task name: 1 to 120 of `A-Z a-z 0-9 . _ - :`. @throws ConfigError (`TASK_NAME_INVALID`) */
export function checkTaskName(name: string): void {
  if (!isTaskName(name)) {
    throw new ConfigError(`task name ${quote(name)}: use 1 to 120 characters of A-Z a-z 0-9 . _ - :`, {
      code: 'TASK_NAME_INVALID',
    });
  }
}

export function isTaskName(name: unknown): name is string {
  return typeof name === 'string' && TASK_NAME.test(name);
}

function quote(name: unknown): string {
  return typeof name === 'string' ? JSON.stringify(name.slice(0, 130)) : `of type ${typeof name}`;
}
