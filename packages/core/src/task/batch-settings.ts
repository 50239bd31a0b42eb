import { type Duration, toMs } from '../clock/duration.ts';
import { checkOptions, type OptionNames } from '../errors/check-options.ts';
import { ConfigError } from '../errors/errors.ts';
import { kindOf, shown } from '../errors/kind-of.ts';

/** How the messages of a batch task gather. */
export interface BatchOptions<T = unknown> {
  /** Most messages of one call: a whole number from 1 to 10,000. */
  readonly size: number;
  /** How long the first message waits for others, before a smaller batch runs. @default '1s' */
  readonly timeout?: Duration | undefined;
  /**
   * Messages run in one call only if this function returns the same key for them: a string or a number. It must be
   * synchronous. @default all messages together
   */
  readonly by?: ((item: T) => string | number) | undefined;
}

/** `BatchOptions` after the check. */
export interface BatchSettings {
  readonly size: number;
  readonly timeoutMs: number;
  readonly by: ((item: unknown) => unknown) | undefined;
}

const LARGEST = 10_000;
const TIMEOUT: Duration = '1s';
const OPTIONS: OptionNames<BatchOptions> = { size: true, timeout: true, by: true };

/** @throws ConfigError (`BATCH_OPTIONS_INVALID`) that names the invalid option */
export function batchSettings(given: unknown, of: string): BatchSettings {
  if (typeof given !== 'object' || given === null) {
    throw new ConfigError(`${of} must be an object such as { size: 100, timeout: '2s' }; got ${kindOf(given)}`, {
      code: 'BATCH_OPTIONS_INVALID',
    });
  }
  checkOptions(given, OPTIONS, of);
  const { size, timeout, by } = given as BatchOptions;
  if (!(Number.isSafeInteger(size) && size >= 1 && size <= LARGEST)) {
    throw new ConfigError(`${of}.size must be a whole number from 1 to ${LARGEST}; got ${shown(size)}`, {
      code: 'BATCH_OPTIONS_INVALID',
    });
  }
  if (by !== undefined && (typeof by !== 'function' || Object.prototype.toString.call(by).includes('Async'))) {
    const got = typeof by === 'function' ? 'an async function' : kindOf(by);
    throw new ConfigError(`${of}.by must be a synchronous function that returns a key; got ${got}`, {
      code: 'BATCH_OPTIONS_INVALID',
    });
  }
  return { size, timeoutMs: toMs(timeout ?? TIMEOUT, `${of}.timeout`), by: by as BatchSettings['by'] };
}
