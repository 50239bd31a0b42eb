import { type Duration, toMs } from '../clock/duration.ts';
import { checkOptions, type OptionNames } from '../errors/check-options.ts';
import { ConfigError } from '../errors/errors.ts';
import { keyProblem } from '../errors/key-problem.ts';
import { shown } from '../errors/kind-of.ts';

/** Stores a message only while no message of the task with the same key is unfinished. */
export interface UniqueOptions {
  /** 1 to 256 characters. It belongs to the task and the queue. */
  readonly key: string;
  /**
   * `unfinished`: another one may be stored once the message has ended. `waiting`: once the message has started, so that
   * one may wait while another runs. @default 'unfinished'
   */
  readonly while?: 'unfinished' | 'waiting' | undefined;
}

/** Stores the first message of a key, and none of the others within a window of time. */
export interface ThrottleOptions {
  /** 1 to 256 characters. It belongs to the task. */
  readonly key: string;
  /** How long further messages are dropped, from the first one on. */
  readonly window: Duration;
}

/** Runs the last of several messages that follow each other closely. */
export interface DebounceOptions {
  /** 1 to 256 characters. It belongs to the task and the queue. */
  readonly key: string;
  /** How long the message waits for a next one, from the last send. */
  readonly wait: Duration;
  /** Longest time from the first send to the run, whatever follows. @default no limit */
  readonly maxWait?: Duration | undefined;
}

/** The options of a send that join messages with the same key. */
export interface CollapseOptions {
  /**
   * Stores the message only if no message of this task with the same key is unfinished in its queue. A text is the key.
   * Not with `throttle`, `debounce`, `idempotencyKey`, `idempotencyTtl` or `sendMany`.
   */
  readonly unique?: string | UniqueOptions | undefined;
  /** Stores the first message of a key in each window of time: the first one wins. Not with the options above. */
  readonly throttle?: ThrottleOptions | undefined;
  /**
   * Delays the message, and runs only the last one of a key: the last one wins. Not with the options above, `delay` or
   * `eta`.
   */
  readonly debounce?: DebounceOptions | undefined;
}

/** One of these options after its check. */
export type CollapseSettings =
  | { readonly option: 'unique'; readonly key: string; readonly isWaiting: boolean }
  | { readonly option: 'throttle'; readonly key: string; readonly windowMs: number }
  | {
      readonly option: 'debounce';
      readonly key: string;
      readonly waitMs: number;
      readonly maxWaitMs: number | undefined;
    };

const UNIQUE: OptionNames<UniqueOptions> = { key: true, while: true };
const THROTTLE: OptionNames<ThrottleOptions> = { key: true, window: true };
const DEBOUNCE: OptionNames<DebounceOptions> = { key: true, wait: true, maxWait: true };

/**
 * Checks `unique`, `throttle` and `debounce`.
 * @returns the one that is given, if any
 * @throws ConfigError (`COLLAPSE_INVALID`, `SEND_OPTIONS_CONFLICT`, `DURATION_INVALID`) with the name of the option
 */
export function collapseSettings({ unique, throttle, debounce }: CollapseOptions): CollapseSettings | undefined {
  const given = Object.entries({ unique, throttle, debounce }).filter(([, value]) => value !== undefined);
  if (given.length > 1) {
    throw new ConfigError(`${given.map(([name]) => name).join(' and ')} cannot be combined; give one of them`, {
      code: 'SEND_OPTIONS_CONFLICT',
    });
  }
  if (unique !== undefined) return uniqueSettings(unique);
  if (throttle !== undefined) return throttleSettings(throttle);
  return debounce === undefined ? undefined : debounceSettings(debounce);
}

function uniqueSettings(given: string | UniqueOptions): CollapseSettings {
  const options = typeof given === 'string' ? { key: given } : given;
  checkOptions(options, UNIQUE, 'unique');
  const { while: until = 'unfinished' } = options as UniqueOptions;
  if (until !== 'unfinished' && until !== 'waiting') {
    throw invalid(`unique: while must be 'unfinished' or 'waiting'; got ${shown(until)}`);
  }
  return { option: 'unique', key: checkKey(options.key, 'unique'), isWaiting: until === 'waiting' };
}

function throttleSettings(options: ThrottleOptions): CollapseSettings {
  checkOptions(options, THROTTLE, 'throttle');
  const key = checkKey(options.key, 'throttle');
  return { option: 'throttle', key, windowMs: aboveZero(options.window, 'throttle: window') };
}

function debounceSettings(options: DebounceOptions): CollapseSettings {
  checkOptions(options, DEBOUNCE, 'debounce');
  const key = checkKey(options.key, 'debounce');
  const waitMs = aboveZero(options.wait, 'debounce: wait');
  const maxWaitMs = options.maxWait === undefined ? undefined : aboveZero(options.maxWait, 'debounce: maxWait');
  if (maxWaitMs !== undefined && maxWaitMs < waitMs) {
    throw invalid('debounce: maxWait must not be shorter than wait; give a longer one, or leave it out');
  }
  return { option: 'debounce', key, waitMs, maxWaitMs };
}

function checkKey(key: unknown, option: string): string {
  const problem = keyProblem(key);
  if (problem === undefined) return key as string;
  throw invalid(`${option}: key ${problem}`);
}

function aboveZero(duration: Duration, option: string): number {
  const ms = toMs(duration, option);
  if (ms > 0) return ms;
  throw invalid(`${option} must be longer than 0; got ${shown(duration)}`);
}

function invalid(message: string): ConfigError {
  return new ConfigError(message, { code: 'COLLAPSE_INVALID' });
}
