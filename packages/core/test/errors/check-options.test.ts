import { describe, expect, it } from 'vitest';
import { brokkrModule, task } from '../../src/inversify/index.ts';
import { type ConfigError, exponential, fixed, linear, TaskManager } from '../../src/index.ts';

/** A function without types, as JavaScript callers see it. */
type Untyped = (options: never) => unknown;

const manager = TaskManager.getInstance('check-options');
const known = manager.task({ name: 'known' }, async () => undefined);
const worker = manager.createWorker({ queues: ['check-options'] });

const define: Untyped = (options) => manager.task(options, async function misspelled() {});
const configure: Untyped = (options) => TaskManager.getInstance('never-used').configure(options);
const override: Untyped = (options) => TaskManager.getInstance('never-used').override(options);
const createWorker: Untyped = (options) => manager.createWorker(options);
const stop: Untyped = (options) => worker.stop(options);
const decorate: Untyped = (options) =>
  task(options)(class Letters {}.prototype, 'write', {} as TypedPropertyDescriptor<() => Promise<void>>);
const load: Untyped = brokkrModule;

describe('an unknown option', () => {
  it.each<[string, Untyped, Record<string, unknown>, RegExp]>([
    ['task', define, { retries: 3 }, /^task misspelled: unknown option `retries`; did you mean `maxRetries`\?$/],
    ['task', define, { max_retries: 3 }, /did you mean `maxRetries`/],
    ['task', define, { queue: 'emails' }, /did you mean `queueName`/],
    ['with', known.with, { dealy: 30 }, /^with: unknown option `dealy`; did you mean `delay`\?$/],
    ['initialize', configure, { brokerURL: 'memory:' }, /^initialize: .*`brokerURL`; did you mean `brokerUrl`/],
    ['initialize', configure, { TASK_BROKER_URL: 'memory:' }, /did you mean `brokerUrl`/],
    ['override', override, { clok: {} }, /did you mean `clock`/],
    ['createWorker', createWorker, { queue: ['a'] }, /^createWorker: .*did you mean `queues`/],
    ['stop', stop, { timeoutMs: 5 }, /^stop: .*did you mean `timeout`/],
    ['exponential', exponential, { base: 2 }, /^exponential: .*known are delay, factor, max, jitter, random$/],
    ['linear', linear, { maxDelay: '1h' }, /^linear: unknown option `maxDelay`/],
    ['fixed', fixed, { factor: 2 }, /^fixed: unknown option `factor`; known are delay, max, jitter, random$/],
    ['@task', decorate, { childContaner: true }, /^@task of Letters\.write: .*did you mean `childContainer`/],
    ['brokkrModule', load, { task: [] }, /^brokkrModule: .*did you mean `tasks`/],
    [
      'two at once',
      define,
      { retries: 3, timeuot: 5 },
      /`maxRetries`\?; unknown option `timeuot`; did you mean `timeout`/,
    ],
    ['of Object', known.with, { toString: 1 }, /^with: unknown option `toString`/],
  ])('%s: %#', async (_, call, options, message) => {
    await expect(async () => call(options as never)).rejects.toThrow(
      expect.objectContaining({ name: 'ConfigError', code: 'OPTION_UNKNOWN', message: expect.stringMatching(message) }),
    );
  });

  it.each([['30s'], [30], [null]])('%s instead of options is refused with its kind', (given) => {
    for (const call of [define, known.with, configure, createWorker] as Untyped[]) {
      if (given === null && call === define) continue;
      expect(() => call(given as never)).toThrow(
        expect.objectContaining({ name: 'ConfigError', code: 'OPTIONS_INVALID' }),
      );
    }
  });
});

describe('a value of another kind instead of options, headers, middleware or a batch', () => {
  it.each([null, 'x', 5])('headers: %j', (headers) => {
    expect(() => (known.with as Untyped)({ headers } as never)).toThrow(
      expect.objectContaining({ code: 'HEADERS_INVALID' }),
    );
  });

  it.each([null, {}, { name: 'x' }, { name: 'x', handle: 5 }, { send() {} }])('middleware: %j', (middleware) => {
    const use = TaskManager.getInstance('never-used').use as Untyped;
    expect(() => use.call(TaskManager.getInstance('never-used'), middleware as never)).toThrow(
      expect.objectContaining({ name: 'ConfigError', code: 'MIDDLEWARE_INVALID' }),
    );
  });

  it.each([5, null, 'ab', [1]])('a batch: %j', async (batch) => {
    await expect((known.sendMany as Untyped)(batch as never)).rejects.toMatchObject({ code: 'BATCH_INVALID' });
  });
});

describe('a value of another kind instead of a task, manager or handler', () => {
  it('is refused, and the error names its kind', () => {
    const untyped = manager.task as (...given: unknown[]) => unknown;
    const refused = (code: string, message: RegExp) =>
      expect.objectContaining({ name: 'ConfigError', code, message: expect.stringMatching(message) });
    expect(() => untyped(null, async () => undefined)).toThrow(refused('OPTIONS_INVALID', /^a task/));
    expect(() => untyped()).toThrow(
      refused('HANDLER_INVALID', /^a task: the handler must be a function; got undefined/),
    );
    for (const name of [5, '', null]) {
      expect(() => TaskManager.getInstance(name as never)).toThrow(refused('MANAGER_NAME_INVALID', /^getInstance: /));
    }
  });
});

describe('an object of another kind', () => {
  it.each<[Record<string, unknown>, string]>([
    [{ runMode: 'api' }, 'runMode must be producer or worker; got "api"'],
    [{ broker: 'redis://user:secret@host' }, 'broker must be a Broker (give a URL as `brokerUrl`); got a string'],
    [{ resultStore: {} }, 'resultStore must be a ResultStore (give a URL as `resultUrl`); got an object'],
    [{ logger: console }, 'logger must be a pino logger; got an object'],
    [{ retryPolicy: null }, "retryPolicy must be a RetryPolicy, such as exponential({ delay: '2s' }); got null"],
  ])('%#: %s', (options, message) => {
    let error: ConfigError | undefined;
    try {
      configure(options as never);
    } catch (thrown) {
      error = thrown as ConfigError;
    }
    expect(error).toMatchObject({
      name: 'ConfigError',
      code: 'SETTINGS_INVALID',
      message: `wrong settings:\n  ${message}`,
    });
  });
});

it('one error lists all invalid options of initialize', () => {
  const options = { brokerUrl: 'zzz', maxWorkers: 0, timeout: 'x', runMode: 'foo', retryPolicy: 5 };
  expect(() => configure(options as never)).toThrow(/runMode.*retryPolicy.*brokerUrl.*maxWorkers.*timeout/s);
});

describe('a listener or hook that would never be called', () => {
  const refuse = (call: () => unknown, code: string, message: RegExp) => {
    expect(call).toThrow(
      expect.objectContaining({ name: 'ConfigError', code, message: expect.stringMatching(message) }),
    );
  };

  it.each(['on', 'once', 'off'] as const)(
    'worker.%s refuses unknown events, and listeners that are not functions',
    (method) => {
      const call = worker[method].bind(worker) as (event: unknown, listener: unknown) => unknown;
      const listener = () => undefined;
      const of = `^worker\\.${method}: `;
      refuse(
        () => call('suceeded', listener),
        'EVENT_UNKNOWN',
        new RegExp(`${of}.* "suceeded"; did you mean .succeeded.`),
      );
      refuse(() => call('completed', listener), 'EVENT_UNKNOWN', /known are started, stopped, succeeded, retrying/);
      refuse(() => call('toString', listener), 'EVENT_UNKNOWN', /"toString"/);
      refuse(() => call(undefined, listener), 'EVENT_UNKNOWN', /unknown event undefined; known are started/);
      refuse(
        () => call('retrying', undefined),
        'LISTENER_INVALID',
        new RegExp(`${of}.*retrying must be a function; got undefined`),
      );
      expect(call('dead', listener)).toBe(worker);
    },
  );

  it.each([undefined, {}, 'x'])('onStart and onStop refuse %j', (hook) => {
    const never = TaskManager.getInstance('never-used');
    refuse(() => never.onStart(hook as never), 'HOOK_INVALID', /^onStart: the hook must be a function; got /);
    refuse(() => never.onStop(hook as never), 'HOOK_INVALID', /^onStop: the hook must be a function; got /);
  });
});

describe('a value of the wrong kind is shown as it is written in code', () => {
  it.each<[Record<string, unknown>, string]>([
    [{ concurrency: '8' }, 'concurrency must be a whole number, 1 or more; got "8"'],
    [{ queues: { a: '3' } }, 'queues: the weight of a must be a number above 0; got "3"'],
    [
      { queues: new Map([['a', 1]]) },
      "queues must be a list of names (['emails']) or an object of weights by name ({ emails: 3 }); got a Map",
    ],
    [{ queues: [] }, 'queues must name at least one queue; got none'],
    [{ strict: 'no' }, 'strict must be true or false; got "no"'],
    [{ workerId: 5 }, 'workerId must be 1 to 200 printable characters; got 5'],
    [{ workerId: '' }, 'workerId must be 1 to 200 printable characters; got ""'],
    [{ workerId: 'a\nb' }, 'workerId must be 1 to 200 printable characters; got "a\\nb"'],
  ])('%#: %s', (options, message) => {
    expect(() => createWorker(options as never)).toThrow(expect.objectContaining({ name: 'ConfigError', message }));
  });
});
