import { describe, expect, it } from 'vitest';
import { pieces, visible } from '../../page/src/text/visible-text.ts';

describe('text from outside', () => {
  it.each([
    ['an override of the direction', 'invoice\u202Egpj.exe', 'U+202E'],
    ['an isolate', 'a\u2066b', 'U+2066'],
    ['a null byte', 'a\u0000b', 'U+0000'],
    ['an escape', 'a\u001b[31mb', 'U+001B'],
    ['a carriage return, which could hide the line before', 'a\rb', 'U+000D'],
    ['a character without width', 'a\u200bb', 'U+200B'],
    ['a byte-order mark', '\ufeffa', 'U+FEFF'],
    ['a soft hyphen', 'a\u00adb', 'U+00AD'],
    ['a tag outside of the first plane', 'a\u{e0041}b', 'U+E0041'],
    ['half of a pair of surrogates', 'a\ud800b', 'U+D800'],
  ])('shows %s by its code', (_, text, name) => {
    const hidden = pieces(text).filter((piece) => 'hidden' in piece);
    expect(hidden).toMatchObject([{ name }]);
    expect(visible(text)).toContain(`‹${name}›`);
  });

  it.each(['plain', 'Jens Müller', 'שלום', 'a\tb\nc', '日本語', '🙂'])('leaves %j as it is', (text) => {
    expect(pieces(text)).toEqual([{ plain: text }]);
  });

  it('keeps every character in its order', () => {
    const text = '\u202Ea\u0000\u0001b';
    const joined = pieces(text).map((piece) => ('plain' in piece ? piece.plain : piece.hidden));
    expect(joined.join('')).toBe(text);
  });
});
