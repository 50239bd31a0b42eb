import { types } from 'node:util';
import { ConfigError, type Duration } from '@brokkr/core';
import { shown, toMs } from '@brokkr/core/adapter';
import { checkConcurrency, checkOptions, type OptionNames } from '@brokkr/core/testing';

/**
 * Options of `testApp`. Middleware and hooks of the task managers apply in the test. Options of `initialize` and the
 * environment do not.
 */
export interface TestAppOptions {
  /** The tasks under test. Their task managers belong to the test until `close`. */
  readonly tasks: readonly object[];
  /** How many tasks run at the same time. @default 4 */
  readonly concurrency?: number | undefined;
  /**
   * How long, in real time, `drain` and `advance` wait for a handler that waits for real I/O. Then virtual time goes on
   * without it. @default 1 s
   */
  readonly settleWithin?: Duration | undefined;
  /** Start of virtual time. @default 2030-01-01T00:00:00Z */
  readonly startAt?: Date | undefined;
  /** Level of the log, as in pino. @default `silent` */
  readonly logLevel?: string | undefined;
}

const NAMES: OptionNames<TestAppOptions> = {
  tasks: true,
  concurrency: true,
  settleWithin: true,
  startAt: true,
  logLevel: true,
};

interface CheckedOptions {
  readonly tasks: readonly object[];
  readonly concurrency: number;
  readonly settleWithinMs: number;
  /** Epoch milliseconds. */
  readonly startAt: number | undefined;
  readonly logLevel: string;
}

/** Checks the options of `testApp`, and fills in the defaults. @throws ConfigError that names the option */
export function readTestAppOptions(options: TestAppOptions): CheckedOptions {
  checkOptions(options, NAMES, 'testApp');
  const { tasks, concurrency = 4, settleWithin = '1s', startAt, logLevel = 'silent' } = options;
  if (!Array.isArray(tasks)) {
    throw new ConfigError(`testApp: tasks must be a list of tasks; got ${shown(tasks)}`, { code: 'NO_TASK' });
  }
  return {
    tasks,
    concurrency: checkConcurrency(concurrency),
    settleWithinMs: toMs(settleWithin, 'testApp: settleWithin'),
    startAt: startAt === undefined ? undefined : instant(startAt),
    logLevel,
  };
}

function instant(startAt: unknown): number {
  const at = types.isDate(startAt) ? startAt.getTime() : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new ConfigError(`testApp: startAt must be a valid Date; got ${shown(startAt)}`);
}
