/** A token of JSON text, exactly as it was sent. */
export interface JsonToken {
  readonly kind: 'key' | 'string' | 'number' | 'word' | 'mark';
  readonly text: string;
}

/** A line of indented JSON. */
export interface JsonLine {
  readonly depth: number;
  readonly tokens: readonly JsonToken[];
}

/** Indentation grows with depth and lines: beyond these a hostile body would stop the page. */
const MOST_DEPTH = 100;
const MOST_TOKENS = 20_000;

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|(-?\d[\d.eE+-]*)|(true|false|null)|([[\]{},:]))/sy;

/**
 * Indents JSON by its tokens alone: no value is parsed and printed again, so large numbers and escapes stay as sent.
 * @returns `undefined` if the text is not made of tokens of JSON, is cut off, or is nested or split too much to be indented
 */
export function jsonLines(text: string): readonly JsonLine[] | undefined {
  const tokens = tokensOf(text);
  if (tokens === undefined) return undefined;
  const lines: JsonLine[] = [];
  let line: JsonToken[] = [];
  let depth = 0;
  const end = () => {
    if (line.length > 0) lines.push({ depth, tokens: line });
    line = [];
  };
  for (const [index, token] of tokens.entries()) {
    const opens = isMark(token, '[{');
    const closes = isMark(token, ']}');
    const afterOpening = isMark(tokens[index - 1], '[{');
    if (closes && !afterOpening) end();
    if (closes) depth -= 1;
    if (depth < 0 || depth > MOST_DEPTH) return undefined;
    // An empty list or object stays on one line: the line that began with its opening mark is already at its depth.
    if (closes && afterOpening) {
      const opening = lines.pop();
      line = [...(opening?.tokens ?? []), token];
    } else {
      line.push(token);
    }
    if (opens) {
      end();
      depth += 1;
    } else if (isMark(token, ',')) {
      end();
    }
  }
  end();
  return depth === 0 ? lines : undefined;
}

function isMark(token: JsonToken | undefined, marks: string): boolean {
  return token?.kind === 'mark' && marks.includes(token.text);
}

function tokensOf(text: string): JsonToken[] | undefined {
  const tokens: JsonToken[] = [];
  TOKEN.lastIndex = 0;
  const length = text.trimEnd().length;
  let at = 0;
  while (at < length) {
    const match = TOKEN.exec(text);
    if (match === null || tokens.length >= MOST_TOKENS) return undefined;
    at = TOKEN.lastIndex;
    const [, string, number, word, mark] = match;
    if (string !== undefined) tokens.push({ kind: isKey(text, at) ? 'key' : 'string', text: string });
    else if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word });
    else tokens.push({ kind: 'mark', text: mark ?? '' });
  }
  return tokens.length === 0 ? undefined : tokens;
}

function isKey(text: string, at: number): boolean {
  return /^\s*:/.test(text.slice(at, at + 20));
}
