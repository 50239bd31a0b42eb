import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorGroup } from '@brokkr/core/adapter';
import { redactJson } from '../src/payload/redact-json.ts';
import { Redactor } from '../src/payload/redactor.ts';
import { isSecretName } from '../src/payload/secret-names.ts';

const RULE = { hidesName: isSecretName };

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('redaction of JSON', () => {
  it.each([
    ['[{"password":"a"}]', '[{"password":"•••"}]', 1],
    ['[{"apiKey":{"a":[1,2]},"b":1}]', '[{"apiKey":"•••","b":1}]', 1],
    ['[{"tokens":["a","b"]}, 7 ]', '[{"tokens":"•••"}, 7 ]', 1],
    ['{"cardNumber":4111,"keyboard":"qwerty"}', '{"cardNumber":"•••","keyboard":"qwerty"}', 1],
    [String.raw`{"pass\u0077ord":"a"}`, String.raw`{"pass\u0077ord":"•••"}`, 1],
    ['{"total":9007199254740993,"total":1.0e5}', '{"total":9007199254740993,"total":1.0e5}', 0],
    ['{"secret":{"secret":[]},"author":"Ada"}', '{"secret":"•••","author":"Ada"}', 1],
    ['[]', '[]', 0],
    ['"text"', '"text"', 0],
  ])('%s is shown as %s', (text, shown, count) => {
    expect(redactJson(text, RULE)).toEqual({ text: shown, count, isWhole: true });
  });

  it.each([
    '',
    '[',
    '[1,]',
    '{"a"}',
    '{"a":}',
    '{a:1}',
    '[1 2]',
    '"\n"',
    '[01]',
    'nul',
    '[1]]',
    '{"a":1,}',
    String.raw`"\x"`,
  ])('%j is not JSON, and nothing of it is shown', (text) => expect(redactJson(text, RULE)).toBeUndefined());

  it('accepts all JSON, and changes nothing without secret names', () => {
    fc.assert(fc.property(fc.json(), (text) => redactJson(text, { hidesName: () => false })?.text === text));
  });

  it('accepts exactly the texts that JSON.parse accepts', () => {
    const nearJson = fc
      .array(fc.constantFrom('[', ']', '{', '}', ',', ':', '"', '"a"', '1', ' ', 'null', '\\'))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(nearJson, (text) => (redactJson(text, RULE) !== undefined) === isJson(text)),
      { numRuns: 2_000 },
    );
  });

  it('reads text that is nested 100,000 deep', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    expect(redactJson(deep, RULE)?.text).toBe(deep);
  });

  it('ends at the limit, and never within a secret', () => {
    const text = `[${'1,'.repeat(50)}{"token":"${'x'.repeat(1_000)}"}]`;
    const redacted = redactJson(text, RULE, 20);
    expect(redacted).toMatchObject({ isWhole: false, count: 0 });
    expect(redacted?.text.length).toBeLessThan(30);
    expect(redactJson(text, RULE, 110)?.text).not.toContain('x');
  });

  it('asks the rule of the application for each value, with its place', () => {
    const asked: unknown[] = [];
    const redactor = new Redactor((value, where) => {
      asked.push([value, where.path, where.task, where.queue]);
      return value === 'ada@example.com';
    });
    const of = { task: 'mail', queue: 'emails' };
    const text = '[{"to":"ada@example.com","n":[null,true]},5]';
    expect(redactor.seen(text, of, false)).toEqual({ text: '[{"to":"•••","n":[null,true]},5]', redacted: 1 });
    expect(asked).toEqual([
      ['ada@example.com', [0, 'to'], 'mail', 'emails'],
      [null, [0, 'n', 0], 'mail', 'emails'],
      [true, [0, 'n', 1], 'mail', 'emails'],
      [5, [1], 'mail', 'emails'],
    ]);
    expect(redactor.seen(text, of, true)).toEqual({ text, redacted: 0 });
  });

  it('hides the value if the rule of the application throws, and everything that is not JSON', () => {
    const redactor = new Redactor(() => {
      throw new Error('no');
    });
    const of = { task: 'mail', queue: 'emails' };
    expect(redactor.seen('[1]', of, false)).toEqual({ text: '["•••"]', redacted: 1 });
    expect(redactor.seen('password=1', of, false)).toEqual({ redacted: 0 });
  });
});

it.each([
  ['Error: renderer said 502 for order 48817', 'Error: renderer said 502 for order #'],
  ['Error: renderer said 502 for order 488', 'Error: renderer said 502 for order #'],
  ['Error: Request failed with status code 429', 'Error: Request failed with status code 429'],
  ['TimeoutError: smtp said nothing for 10 s', 'TimeoutError: smtp said nothing for # s'],
  ['Error: user 550e8400-e29b-41d4-a716-446655440000 is unknown', 'Error: user # is unknown'],
  ['Error: message Xc7pKu3yb7_o85 in line 3.5\n    at x', 'Error: message # in line #'],
])('the group of %j is %j', (reason, group) => expect(errorGroup(reason)).toBe(group));
