import { escaped } from './escaped.ts';

/** Control characters and Unicode's line separators: terminals act on them, and readers split lines at them. */
const UNSAFE = /[\p{Cc}\u2028\u2029]/gu;

/**
 * A JSON log line whose strings may be printed as they are: what a terminal would act on is made visible. Stacks keep
 * their line breaks, which a printer indents.
 */
export function harmlessLine(line: string): string {
  return `${JSON.stringify(JSON.parse(line), (key, value: unknown) => (typeof value === 'string' ? visible(key, value) : value))}\n`;
}

function visible(key: string, text: string): string {
  return text.replace(UNSAFE, (character) => (character === '\n' && key === 'stack' ? character : escaped(character)));
}
