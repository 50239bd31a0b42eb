import { describe, expect, it } from 'vitest';
import { decodeEnvelope, encodeArgs, encodeEnvelope } from '../../src/message/json-codec.ts';
import type { Message } from '../../src/message/message.ts';
import { defineTask } from '../../src/task/task-definition.ts';
import { TaskRegistry } from '../../src/task/task-registry.ts';
import { upcast } from '../../src/versions/payload-versions.ts';

const handler = async () => undefined;
const same = (args: readonly unknown[]) => args;
const message: Message = {
  id: 'm',
  task: 'x',
  queue: 'q',
  args: ['ada'],
  attempt: 1,
  headers: {},
  enqueuedAt: 0,
};

function failure(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}

describe('the options version and upcast', () => {
  it.each<[object, string, RegExp]>([
    [{ version: 0 }, 'VERSION_INVALID', /^task x: version must be a whole number, 1 or more; got 0$/],
    [{ version: 1.5 }, 'VERSION_INVALID', /got 1\.5$/],
    [{ version: '2' }, 'VERSION_INVALID', /got "2"$/],
    [{ version: Number.NaN }, 'VERSION_INVALID', /got NaN$/],
    [
      { version: 2 },
      'UPCAST_INVALID',
      /^task x: upcast must be an object with a function .* below 2, .*; got nothing$/,
    ],
    [{ version: 2, upcast: same }, 'UPCAST_INVALID', /got a function$/],
    [{ version: 2, upcast: [same] }, 'UPCAST_INVALID', /got a list$/],
    [{ version: 3, upcast: { 1: same } }, 'UPCAST_INVALID', /^task x: upcast has no step from version 2; add 2: /],
    [{ version: 9e15, upcast: { 1: same } }, 'UPCAST_INVALID', /no step from version 2/],
    [{ version: 2, upcast: { 1: same, 2: same } }, 'UPCAST_INVALID', /a step from version "2", but .* from 1 to 1/],
    [{ version: 2, upcast: { 0: same, 1: same } }, 'UPCAST_INVALID', /a step from version "0"/],
    [{ version: 2, upcast: { '1': same, one: same } }, 'UPCAST_INVALID', /a step from version "one"/],
    [{ upcast: { 1: same } }, 'UPCAST_INVALID', /version 1 has no older versions; correct it, or raise version$/],
    [
      { version: 2, upcast: { 1: 'same' } },
      'UPCAST_INVALID',
      /the step from version 1 must be a function; got a string/,
    ],
    [{ version: 2, upcast: { 1: async () => [] } }, 'UPCAST_INVALID', /must be a plain synchronous function/],
  ])('are refused at the definition, with task and option: %o', (options, code, text) => {
    const error = failure(() => defineTask({ name: 'x', ...options }, handler));
    expect(error).toMatchObject({ name: 'ConfigError', code, message: expect.stringMatching(text) });
  });

  it('cost nothing in version 1', () => {
    expect(defineTask({ name: 'x', version: 1 }, handler).versions).toBeUndefined();
    expect(defineTask({ name: 'x', version: 1, upcast: {} }, handler).versions).toBeUndefined();
  });

  it('must be the same in two definitions of a task', () => {
    const registry = new TaskRegistry();
    const define = (options: object) => () => registry.add(defineTask({ name: 'x', ...options }, handler));
    define({ version: 2, upcast: { 1: same } })();
    define({ version: 2, upcast: { 1: same } })();
    expect(define({ version: 3, upcast: { 1: same, 2: same } })).toThrow(/a different `version`/);
    expect(define({ version: 2, upcast: { 1: () => [] } })).toThrow(/a different `upcast`/);
  });
});

describe('upcast', () => {
  const versions = (...steps: ((args: readonly unknown[]) => unknown)[]) =>
    ({ current: steps.length + 1, steps }) as unknown as Parameters<typeof upcast>[1];

  it('converts step by step from the version of the message', () => {
    const three = versions(
      ([id]) => [{ id }],
      ([user]) => [{ ...(user as object), lang: 'en' }],
    );
    expect(upcast(message, three)).toMatchObject({ args: [{ id: 'ada', lang: 'en' }], version: 3 });
    expect(upcast({ ...message, args: [{ id: 'bob' }], version: 2 }, three).args).toEqual([{ id: 'bob', lang: 'en' }]);
    const current = { ...message, version: 3 };
    expect(upcast(current, three)).toBe(current);
  });

  it('fails for good if a step throws or returns no list', () => {
    const thrown = new TypeError('no such field');
    const throwing = versions(() => {
      throw thrown;
    });
    expect(failure(() => upcast(message, throwing))).toMatchObject({
      name: 'PermanentError',
      code: 'UPCAST_FAILED',
      message: 'task x: upcast from version 1 failed: TypeError: no such field',
      cause: thrown,
    });
    const answers = [undefined, null, 'ada', { 0: 'ada', length: 1 }, Promise.reject(new Error('late'))];
    for (const answer of answers)
      expect(
        failure(() =>
          upcast(
            message,
            versions(() => answer),
          ),
        ),
      ).toMatchObject({
        code: 'UPCAST_FAILED',
        message: expect.stringMatching(/^task x: upcast from version 1 must return the list of arguments; got /),
      });
  });
});

describe('the header of the version', () => {
  const encoded = (version?: number) => encodeEnvelope({ ...message, version }, encodeArgs(['ada'], 1_000));

  it('is written above 1 only', () => {
    expect(Object.keys(encoded().headers)).not.toContain('brokkr-pv');
    expect(encoded(2).headers['brokkr-pv']).toBe('2');
  });

  it('is read as written, and its absence is version 1', () => {
    expect(decodeEnvelope(encoded(7), 1_000)).toMatchObject({ version: 7 });
    expect(decodeEnvelope(encoded(), 1_000)).toMatchObject({ version: undefined });
    const one = { ...encoded(), headers: { ...encoded().headers, 'brokkr-pv': '1' } };
    expect(decodeEnvelope(one, 1_000)).toMatchObject({ version: undefined });
  });

  it.each(['0', '-1', '1.5', 'two', '', '9'.repeat(16)])('makes a message malformed if it is %o', (text) => {
    const envelope = { ...encoded(), headers: { ...encoded().headers, 'brokkr-pv': text } };
    expect(decodeEnvelope(envelope, 1_000)).toMatchObject({
      undecodable: expect.stringMatching(/^malformed: a header/),
    });
  });
});
