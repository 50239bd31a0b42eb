import type { PrinterOptions } from '../logging/printer/printer-options.ts';
import type { Environment } from './env-file.ts';
import type { TaskConfig } from './task-config.ts';

/** Columns of an output that is not a terminal, such as a file. */
const DEFAULT_WIDTH = 120;

/**
 * Determines the form of log lines on standard output from its terminal, the settings, and the variables `NO_COLOR`,
 * `FORCE_COLOR`, `TERM` and `LANG`.
 */
export function terminalOptions(
  { logTime, logStack }: Pick<TaskConfig, 'logTime' | 'logStack'>,
  environment: Environment,
): PrinterOptions {
  const isDumb = environment.TERM === 'dumb';
  const locale = environment.LC_ALL || environment.LC_CTYPE || environment.LANG || 'UTF-8';
  const number = Number(environment.BROKKR_PROCESS);
  return {
    colors: wantsColors(environment, process.stdout.isTTY === true && !isDumb),
    unicode: !isDumb && /utf-?8/i.test(locale),
    width: () => process.stdout.columns || DEFAULT_WIDTH,
    time: logTime,
    stack: logStack,
    process: number >= 1 ? number : undefined,
  };
}

/** `FORCE_COLOR` has precedence over `NO_COLOR`, as in Node. */
function wantsColors({ FORCE_COLOR, NO_COLOR }: Environment, isTerminal: boolean): boolean {
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return isTerminal && (NO_COLOR === undefined || NO_COLOR === '');
}
