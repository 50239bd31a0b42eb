import { describe, expect, it } from 'vitest';
import { defineTask } from '../../src/task/task-definition.ts';

const define = (options: object, handler: unknown) => defineTask(options, handler);

describe('a handler', () => {
  it.each([class Mailer {}, class extends Error {}, Error])('must not be a class: %o', (handler) => {
    expect(() => define({ name: 'x' }, handler)).toThrow(
      expect.objectContaining({
        name: 'ConfigError',
        code: 'HANDLER_INVALID',
        message: expect.stringMatching(/^task x: handler must not be a class/),
      }),
    );
  });

  it.each([
    function plain() {},
    Object.freeze(function frozen() {}),
    { class() {} }.class,
    async () => undefined,
    (() => undefined).bind(undefined),
  ])('may be any other function: %o', (handler) => {
    expect(define({ name: 'x' }, handler).handler).toBe(handler);
  });
});

describe('an invalid definition', () => {
  it.each<[object, RegExp]>([
    [{ nmae: 'x' }, /^a task: unknown option `nmae`; did you mean `name`\?$/],
    [{ name: 'x', maxRetries: '3' }, /^task x: maxRetries must be a whole number, 0 or more; got "3"$/],
    [{ name: 'x', maxRetries: Number.NaN }, /got NaN$/],
    [{ name: 'x', retryOn: async () => true }, /^task x: retryOn: a predicate must return true or false/],
    [{ name: 'x', result: 0 }, /^task x: result must be longer than 0, or false to keep none; got 0$/],
    [{ name: 'x', result: '0ms' }, /^task x: result must be longer than 0, or false to keep none; got "0ms"$/],
    [
      { name: 'x', retryDelay: '2h', maxRetryDelay: '1h' },
      /^task x: maxRetryDelay must not be shorter than retryDelay/,
    ],
    [{ name: 'x', giveUpOn: [Error, 'x'] }, /^task x: giveUpOn must be an error class or a predicate/],
  ])('is refused with the option at fault: %o', (options, message) => {
    const call = () => define(options, async () => undefined);
    expect(call).toThrow(expect.objectContaining({ name: 'ConfigError', message: expect.stringMatching(message) }));
  });
});
