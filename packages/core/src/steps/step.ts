import { type Duration, toMs } from '../clock/duration.ts';
import { checkOptions, type OptionNames } from '../errors/check-options.ts';
import { ConfigError } from '../errors/errors.ts';
import { kindOf, shown } from '../errors/kind-of.ts';
import { currentRun } from '../task/current-task.ts';
import type { Json } from '../task/json.ts';
import { checkTimeout } from '../task/task-definition.ts';

/** Options of one step. */
export interface StepOptions {
  /** Time limit of the step. Its signal aborts, and the step fails with a TaskTimeoutError. @default that of the attempt */
  readonly timeout?: Duration | undefined;
}

const OPTIONS: OptionNames<StepOptions> = { timeout: true };
const LONGEST_NAME = 200;

/**
 * Runs one step of a task, unless an earlier attempt finished it: then it returns the result of that. Finished steps are
 * kept over retries, crashes and redrives, until the message has ended. A step that fails is not kept. The step during
 * which a worker dies may run twice. Code between steps runs in every attempt. Inside an inline call nothing is stored.
 * @param name names the result, in the steps of this message: 1 to 200 characters, each name once in an attempt
 * @param work does the step. Its signal aborts at the time limit of the step, and with that of the attempt
 * @param options `timeout`: time limit of the step
 * @returns the result as JSON carries it, in the first attempt and in later ones
 * @throws ConfigError (`NO_CURRENT_TASK`) outside a handler, (`STEP_INVALID`) for an invalid name or function,
 * (`STEP_NAME_TWICE`) for a name that this attempt has used, (`STEPS_TOO_MANY`) for the 1,001st step, (`STORE_MISSING`) if
 * neither the broker nor `TASK_STORE_URL` keeps records, (`STEP_AFTER_RUN`) after the handler has ended
 * @throws TaskTimeoutError (`STEP_TIMEOUT`) after `timeout`
 * @throws SerializationError (`STEP_UNSERIALIZABLE`) if JSON cannot hold the result
 * @throws PayloadTooLargeError (`STEPS_TOO_LARGE`) if the results of a message have over 1 MiB in all
 * @example
 * const account = await step('account', () => createAccount(user));
 * await step('mail', () => sendWelcome(account.mail), { timeout: '10s' });
 */
export async function step<T>(
  name: string,
  work: (signal: AbortSignal) => T | Promise<T>,
  options: StepOptions = {},
): Promise<Json<T>> {
  const run = currentRun('step()');
  if (typeof name !== 'string' || name === '' || name.length > LONGEST_NAME) {
    const found = typeof name === 'string' ? `${name.length} characters` : shown(name);
    throw invalid(
      `task ${run.name}: the name of a step must be a string of 1 to ${LONGEST_NAME} characters; got ${found}`,
    );
  }
  const of = `task ${run.name}, step ${name}`;
  if (typeof work !== 'function') throw invalid(`${of}: give a function that does the step; got ${kindOf(work)}`);
  checkOptions(options, OPTIONS, of);
  const { timeout } = options;
  const timeoutMs = timeout === undefined ? undefined : checkTimeout(toMs(timeout, `${of}: timeout`), `${of}: timeout`);
  return (await run.steps.run(name, work, timeoutMs)) as Json<T>;
}

function invalid(message: string): ConfigError {
  return new ConfigError(message, { code: 'STEP_INVALID' });
}
