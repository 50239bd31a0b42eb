import { escaped } from './escaped.ts';

/** Characters that terminals act on, split lines at, or reorder text by: controls, line separators, bidi controls. */
const UNSAFE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/**
 * A JSON log line whose strings are safe to print: every character that a terminal would act on is visible. Stacks keep
 * their line breaks, which a printer indents.
 */
export function harmlessLine(line: string): string {
  return `${JSON.stringify(JSON.parse(line), (key, value: unknown) => (typeof value === 'string' ? visible(key, value) : value))}\n`;
}

function visible(key: string, text: string): string {
  return text.replace(UNSAFE, (character) => (character === '\n' && key === 'stack' ? character : escaped(character)));
}
