import { describe, expect, it } from 'vitest';
import { jsonLines } from '../../page/src/text/json-lines.ts';

/** The indented text as it stands on the page. */
function printed(text: string): string | undefined {
  return jsonLines(text)
    ?.map(({ depth, tokens }) => '  '.repeat(depth) + tokens.map((token) => token.text).join(''))
    .join('\n');
}

describe('JSON on the page', () => {
  it('is indented', () => {
    expect(printed('{"a":[1,{"b":null}],"c":[]}')).toBe(
      '{\n  "a":[\n    1,\n    {\n      "b":null\n    }\n  ],\n  "c":[]\n}',
    );
  });

  it.each(['9007199254740993', '1e400', '-0.10', '"\\u0041\\n"', '"a\\"b"'])(
    'shows %s as it was sent, not as a parser would print it',
    (value) => {
      expect(printed(`[${value}]`)).toBe(`[\n  ${value}\n]`);
    },
  );

  it('marks keys and strings differently', () => {
    const kinds = jsonLines('{"a" : "b"}')?.flatMap(({ tokens }) => tokens.map(({ kind }) => kind));
    expect(kinds).toEqual(['mark', 'key', 'mark', 'string', 'mark']);
  });

  it.each(['{"a":', 'hello', '', '{"a":1}}', '[1,', "{'a':1}", '<b>1</b>'])('leaves %j as text', (text) => {
    expect(jsonLines(text)).toBeUndefined();
  });

  it('keeps empty objects inside others on their line', () => {
    expect(printed('[{},[]]')).toBe('[\n  {},\n  []\n]');
  });

  it('leaves a body as text that would need too much space to indent', () => {
    expect(jsonLines('['.repeat(99) + ']'.repeat(99))).toHaveLength(197);
    expect(jsonLines('['.repeat(32_768) + ']'.repeat(32_768))).toBeUndefined();
    expect(jsonLines(`[${'1,'.repeat(20_000)}1]`)).toBeUndefined();
  });
});
