/** A piece of a text: characters to show as they are, or one that would be invisible or change the order of others. */
export type Piece = { readonly plain: string } | { readonly hidden: string; readonly name: string };

/**
 * Control characters but tab and line feed, zero-width and bidirectional marks, byte-order mark, tags, lone surrogates:
 * a payload could use them to look different on the screen.
 */
const HIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: to show them is the purpose
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e0fff}]|\p{Cs}/gu;

/** `\u202e` → `U+202E`. */
function nameOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Splits a text at its hidden characters. */
export function pieces(text: string): readonly Piece[] {
  const found: Piece[] = [];
  let from = 0;
  for (const { 0: hidden, index } of text.matchAll(HIDDEN)) {
    if (index > from) found.push({ plain: text.slice(from, index) });
    found.push({ hidden, name: nameOf(hidden) });
    from = index + hidden.length;
  }
  if (from < text.length || found.length === 0) found.push({ plain: text.slice(from) });
  return found;
}

/** The text on one line, hidden characters by name, for labels and tips: `a‹U+202E›b`. */
export function visible(text: string): string {
  return text.replaceAll(HIDDEN, (character) => `‹${nameOf(character)}›`).replaceAll(/\s+/g, ' ');
}
