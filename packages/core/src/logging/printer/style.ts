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

/** Style codes of `paint`. Text of others holds no escape character: `printable` has replaced them. */
const STYLE_CODE = new RegExp(`${ESCAPE}\\[\\d+m`, 'g');
/** Half of a character that takes two places in a string. */
const SURROGATE = /[\ud800-\udbff]/;

/** Number of columns of painted text. It is called for each line of a log, so the common case is a string's length. */
export function visibleLength(text: string): number {
  const bare = text.replace(STYLE_CODE, '');
  return SURROGATE.test(bare) ? [...bare].length : bare.length;
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
