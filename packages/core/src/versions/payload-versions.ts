import { ConfigError, PermanentError } from '../errors/errors.ts';
import { errorLine, errorRecord } from '../errors/error-record.ts';
import { isA } from '../errors/is-a.ts';
import { kindOf, shown } from '../errors/kind-of.ts';
import type { Message } from '../message/message.ts';

/**
 * Converts the arguments of one version to those of the next: gets the list of arguments, returns the new list. It must be
 * synchronous, and must not depend on anything else: it runs again with every attempt.
 */
// biome-ignore lint/suspicious/noExplicitAny: arguments of an old version have types that the code no longer knows.
export type UpcastStep = (args: readonly any[]) => readonly unknown[];

/** The options of a task that describe the versions of its arguments. */
export interface VersionOptions {
  readonly version?: number | undefined;
  readonly upcast?: Readonly<Record<number, UpcastStep>> | undefined;
}

/** The versions of a task's arguments. */
export interface PayloadVersions {
  /** Version that the handler takes, 2 or more. */
  readonly current: number;
  /** The step from version `n` is at index `n - 1`. */
  readonly steps: readonly UpcastStep[];
}

/**
 * Checks the options `version` and `upcast`.
 * @param of the task and an option, for the error
 * @returns `undefined` for version 1: there is nothing to convert
 * @throws ConfigError (`VERSION_INVALID`, `UPCAST_INVALID`)
 */
export function payloadVersions(
  { version, upcast }: VersionOptions,
  of: (option: string) => string,
): PayloadVersions | undefined {
  if (version !== undefined && !(Number.isSafeInteger(version) && version >= 1)) {
    throw new ConfigError(`${of('version')} must be a whole number, 1 or more; got ${shown(version)}`, {
      code: 'VERSION_INVALID',
    });
  }
  const current = version ?? 1;
  if (upcast === undefined && current === 1) return undefined;
  const steps = stepsOf(upcast, current, of);
  return current === 1 ? undefined : { current, steps };
}

function stepsOf(upcast: unknown, current: number, of: (option: string) => string): readonly UpcastStep[] {
  if (typeof upcast !== 'object' || upcast === null || Array.isArray(upcast)) {
    const got = upcast === undefined ? 'nothing' : kindOf(upcast);
    throw invalid(
      `${of('upcast')} must be an object with a function for each version below ${current}, such as { 1: ([id]) => [{ id }] }; got ${got}`,
    );
  }
  const given = upcast as Readonly<Record<string, unknown>>;
  const stray = Object.keys(given).find((key) => !(/^[1-9]\d*$/.test(key) && Number(key) < current));
  if (stray !== undefined) {
    const known = current === 1 ? 'version 1 has no older versions' : `versions go from 1 to ${current - 1}`;
    throw invalid(
      `${of('upcast')} has a step from version ${shown(stray)}, but ${known}; correct it, or raise version`,
    );
  }
  const steps: UpcastStep[] = [];
  for (let from = 1; from < current; from++) {
    if (!Object.hasOwn(given, from)) {
      throw invalid(
        `${of('upcast')} has no step from version ${from}; add ${from}: (args) => [...], so that messages of that version can run`,
      );
    }
    steps.push(checkStep(given[from], `${of('upcast')}: the step from version ${from}`));
  }
  return steps;
}

function checkStep(step: unknown, which: string): UpcastStep {
  if (typeof step !== 'function') throw invalid(`${which} must be a function; got ${kindOf(step)}`);
  if (/Async|Generator/.test(Object.prototype.toString.call(step)))
    throw invalid(`${which} must be a plain synchronous function; got an async one or a generator`);
  return step as UpcastStep;
}

/**
 * Returns a message with its arguments converted to the current version, step by step.
 * @throws PermanentError (`UPCAST_FAILED`) if a step throws, or does not return a list: the message is a dead letter
 */
export function upcast(message: Message, { current, steps }: PayloadVersions): Message {
  const from = message.version ?? 1;
  if (from >= current) return message;
  let { args } = message;
  for (let version = from; version < current; version++) args = step(message.task, version, args, steps);
  return { ...message, args, version: current };
}

function step(task: string, from: number, args: readonly unknown[], steps: readonly UpcastStep[]): readonly unknown[] {
  const which = `task ${task}: upcast from version ${from}`;
  let converted: unknown;
  try {
    converted = (steps[from - 1] as UpcastStep)(args);
  } catch (cause) {
    throw new PermanentError(`${which} failed: ${errorLine(errorRecord(cause))}`, { code: 'UPCAST_FAILED', cause });
  }
  if (Array.isArray(converted)) return converted;
  // Nothing awaits it, and its rejection would end the process.
  if (isA(converted, Promise)) converted.catch(() => undefined);
  throw new PermanentError(`${which} must return the list of arguments; got ${kindOf(converted)}`, {
    code: 'UPCAST_FAILED',
  });
}

function invalid(message: string): ConfigError {
  return new ConfigError(message, { code: 'UPCAST_INVALID' });
}
