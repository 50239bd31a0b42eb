import type { Logger } from 'pino';
import { createLogger } from '../logging/create-logger.ts';
import { terminalPrinter } from '../logging/printer/terminal-printer.ts';
import { currentBindings } from '../task/current-task.ts';
import { readEnvironment } from './env-file.ts';
import { terminalOptions } from './terminal-options.ts';
import { type ConfigOptions, resolveConfig, type TaskConfig } from './task-config.ts';

let made: Logger | undefined;

/**
 * The logger of the process, configured by `LOG_LEVEL` and `LOG_FORMAT`, and created at first use. Inside a handler,
 * its lines carry the id, name, queue and attempt of the task.
 * @example
 * logger.info({ orderId }, 'order paid');
 */
export const logger: Logger = new Proxy({} as Logger, {
  get: (_, property) => {
    const target = theLogger();
    const value: unknown = Reflect.get(target, property, target);
    return typeof value === 'function' ? value.bind(target) : value;
  },
  set: (_, property, value) => Reflect.set(theLogger(), property, value),
  has: (_, property) => Reflect.has(theLogger(), property),
});

function theLogger(): Logger {
  made ??= configuredLogger(resolveConfig({}, readEnvironment()));
  return made;
}

/**
 * Returns the logger of a manager: the given one, or one with the manager's own log settings, or the logger of the
 * process.
 */
export function managerLogger(
  given: Logger | undefined,
  options: Pick<ConfigOptions, 'logLevel' | 'logFormat' | 'logTime' | 'logStack'>,
  config: TaskConfig,
): Logger {
  if (given !== undefined && given !== logger) return given;
  const { logLevel, logFormat, logTime, logStack } = options;
  const hasOwn = [logLevel, logFormat, logTime, logStack].some((value) => value !== undefined);
  return given === undefined && hasOwn ? configuredLogger(config) : theLogger();
}

function configuredLogger(config: TaskConfig): Logger {
  const { logLevel: level, logFormat } = config;
  const isPretty = logFormat === 'pretty' || (logFormat === undefined && process.stdout.isTTY === true);
  const format = isPretty ? terminalPrinter(terminalOptions(config, readEnvironment())) : undefined;
  return createLogger({ level, format, bindings: currentBindings });
}
