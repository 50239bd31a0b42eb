import { describe, expect, it } from 'vitest';
import { defineTask } from '../../src/task/task-definition.ts';

const define = (options: object, handler: unknown) => defineTask(options, handler);

describe('a handler', () => {
  it.each([class Mailer {}, class extends Error {}, Error])('that is a class is refused: %o', (handler) => {
    expect(() => define({ name: 'x' }, handler)).toThrow(
      expect.objectContaining({
        name: 'ConfigError',
        code: 'HANDLER_INVALID',
        message: expect.stringMatching(/^task x: handler is a class/),
      }),
    );
  });

  it.each([
    function plain() {},
    Object.freeze(function frozen() {}),
    { class() {} }.class,
    async () => undefined,
    (() => undefined).bind(undefined),
  ])('that can be called is taken: %o', (handler) => {
    expect(define({ name: 'x' }, handler).handler).toBe(handler);
  });
});

describe('what a definition complains of', () => {
  it.each<[object, RegExp]>([
    [{ nmae: 'x' }, /^a task: unknown option `nmae`; did you mean `name`\?$/],
    [{ name: 'x', maxRetries: '3' }, /a whole number of 0 or more, got "3"$/],
    [{ name: 'x', maxRetries: Number.NaN }, /got NaN$/],
    [{ name: 'x', retryOn: async () => true }, /^task x: retryOn: a predicate answers at once/],
    [{ name: 'x', result: 0 }, /^task x: result: longer than 0, or false to keep none, got 0$/],
    [{ name: 'x', result: '0ms' }, /^task x: result: longer than 0, or false to keep none, got "0ms"$/],
    [{ name: 'x', retryDelay: '2h', maxRetryDelay: '1h' }, /^task x: maxRetryDelay is shorter than retryDelay/],
    [{ name: 'x', giveUpOn: [Error, 'x'] }, /^task x: giveUpOn: error classes or predicates/],
  ])('%o', (options, message) => {
    const call = () => define(options, async () => undefined);
    expect(call).toThrow(expect.objectContaining({ name: 'ConfigError', message: expect.stringMatching(message) }));
  });
});
