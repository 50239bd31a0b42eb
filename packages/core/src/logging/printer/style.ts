import { stripVTControlCharacters } from 'node:util';

/** SGR codes: the number that begins a style, and the one that ends it. */
const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
} as const;

export type Style = keyof typeof CODES;

/** Adds a style to text; without colors it returns the text. */
export type Paint = (style: Style, text: string) => string;

const PROCESS_STYLES = ['cyan', 'magenta', 'green', 'blue', 'yellow'] as const;

export function paint(colors: boolean): Paint {
  return (style, text) => {
    const [begin, end] = CODES[style];
    return colors && text !== '' ? `\u001b[${begin}m${text}\u001b[${end}m` : text;
  };
}

/** Style of a process's prefix. */
export function processStyle(number: number): Style {
  return PROCESS_STYLES[(number - 1) % PROCESS_STYLES.length] ?? 'cyan';
}

const ESCAPE = '\u001b';
/** A style code, or one character. */
const TOKEN = new RegExp(`${ESCAPE}\\[\\d+m|.`, 'gsu');

/** Number of columns of painted text. */
export function visibleLength(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

/** Painted text of at most `width` columns; a longer one ends in `ending`. */
export function cut(text: string, width: number, ending: string): string {
  if (visibleLength(text) <= width) return text;
  let columns = 0;
  let result = '';
  for (const [token] of text.matchAll(TOKEN)) {
    if (token.startsWith(ESCAPE)) result += token;
    else if (columns < width - ending.length) {
      result += token;
      columns++;
    }
  }
  return `${result}${ending}`;
}
