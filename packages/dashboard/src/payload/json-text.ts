/** Reads JSON text token by token, without building its values: numbers stay as they were written. */
export class JsonText {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** Steps over white space. */
  skipSpace(): void {
    while (isSpace(this.text.charCodeAt(this.at))) this.at++;
  }

  /** Steps over `character` if it is next. */
  takes(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  /** Steps over a string, number, `true`, `false` or `null`. @returns its text; `undefined` if none is next */
  scalar(): string | undefined {
    const from = this.at;
    const next = this.text[from];
    if (next === '"') return this.string();
    const pattern = next !== undefined && /[a-z]/.test(next) ? WORD : NUMBER;
    pattern.lastIndex = from;
    if (!pattern.test(this.text)) return undefined;
    this.at = pattern.lastIndex;
    return this.text.slice(from, this.at);
  }

  /** Steps over a string. @returns its text with quotes; `undefined` if none is next, or it does not end */
  string(): string | undefined {
    const from = this.at;
    if (this.text[from] !== '"') return undefined;
    for (let at = from + 1; ; ) {
      const code = this.text.charCodeAt(at);
      // The end of the text is NaN: a comparison with it is false.
      if (!(code >= 0x20)) return undefined;
      if (code === QUOTE) {
        this.at = at + 1;
        return this.text.slice(from, this.at);
      }
      if (code !== BACKSLASH) {
        at++;
        continue;
      }
      ESCAPE.lastIndex = at;
      if (!ESCAPE.test(this.text)) return undefined;
      at = ESCAPE.lastIndex;
    }
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /(?:true|false|null)/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}
