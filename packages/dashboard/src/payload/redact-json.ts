import { JsonText } from './json-text.ts';

/** What replaces a hidden value. */
export const HIDDEN = '•••';

export interface RedactionRule {
  /** Whether the value of a field with this name is hidden, whatever it is. */
  readonly hidesName: (name: string) => boolean;
  /** Whether a string, number, boolean or `null` at this path is hidden. Left out: none. */
  readonly hidesValue?: ((value: unknown, path: readonly (string | number)[]) => boolean) | undefined;
}

export interface Redacted {
  /** The text with hidden values as `"•••"`, all else as it was written. */
  readonly text: string;
  /** How many values are hidden. */
  readonly count: number;
  /** False if the limit was reached: the rest was not looked at. */
  readonly isWhole: boolean;
}

/** A list or object that is being read. */
interface Level {
  readonly isObject: boolean;
  /** Name or number of the value that is read in it. */
  key: string | number;
  isEmpty: boolean;
}

/**
 * Replaces secret values in JSON text. The text is never parsed and printed again, so that numbers over 2⁵³, duplicate
 * names and white space are shown as they were sent. It needs no stack of calls: text may be nested to any depth.
 *
 * @param limit ends the work once so many characters of output are there. @default none
 * @returns `undefined` if the text that was read is not JSON
 */
export function redactJson(text: string, rule: RedactionRule, limit = Number.POSITIVE_INFINITY): Redacted | undefined {
  return new Redaction(text, rule, limit).run();
}

class Redaction {
  readonly #json: JsonText;
  readonly #rule: RedactionRule;
  readonly #limit: number;
  readonly #levels: Level[] = [];
  readonly #parts: string[] = [];
  #length = 0;
  /** Text up to here is in the output. */
  #shownTo = 0;
  /** The levels above which everything is hidden, while a secret list or object is read. */
  #hiddenFrom: number | undefined;
  #count = 0;

  constructor(text: string, rule: RedactionRule, limit: number) {
    this.#json = new JsonText(text);
    this.#rule = rule;
    this.#limit = limit;
  }

  run(): Redacted | undefined {
    const json = this.#json;
    json.skipSpace();
    for (;;) {
      if (!this.#value()) return undefined;
      if (!this.#close()) return undefined;
      if (this.#levels.length === 0) break;
      if (this.#length + json.at - this.#shownTo >= this.#limit && this.#hiddenFrom === undefined) {
        this.#show(json.at);
        return { text: this.#parts.join(''), count: this.#count, isWhole: false };
      }
    }
    json.skipSpace();
    if (json.at < json.text.length) return undefined;
    this.#show(json.at);
    return { text: this.#parts.join(''), count: this.#count, isWhole: true };
  }

  /** Reads a scalar, or the opening of a list or object with everything up to its first value. */
  #value(): boolean {
    const json = this.#json;
    for (;;) {
      const from = json.at;
      const isSecret = this.#hiddenFrom === undefined && this.#isSecretField();
      const isObject = json.text[from] === '{';
      if (!isObject && json.text[from] !== '[') {
        const scalar = json.scalar();
        if (scalar === undefined) return false;
        if (this.#hiddenFrom === undefined && (isSecret || this.#hidesScalar(scalar))) this.#hide(from, json.at);
        return true;
      }
      json.at++;
      if (isSecret) {
        this.#show(from);
        this.#hiddenFrom = this.#levels.length;
      }
      this.#levels.push({ isObject, key: 0, isEmpty: true });
      json.skipSpace();
      if (json.text[json.at] === (isObject ? '}' : ']')) return true;
      if (!this.#begin()) return false;
    }
  }

  /** Steps over the name of a field. Values of a list have no names. */
  #begin(): boolean {
    const json = this.#json;
    const level = this.#levels.at(-1) as Level;
    level.isEmpty = false;
    if (!level.isObject) return true;
    const name = json.string();
    if (name === undefined) return false;
    level.key = JSON.parse(name) as string;
    json.skipSpace();
    if (!json.takes(':')) return false;
    json.skipSpace();
    return true;
  }

  /** After a value: closes what ends here, and steps to the next value. */
  #close(): boolean {
    const json = this.#json;
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      json.skipSpace();
      if (json.takes(level.isObject ? '}' : ']')) {
        this.#levels.pop();
        if (this.#hiddenFrom === this.#levels.length) {
          this.#hiddenFrom = undefined;
          this.#put(`"${HIDDEN}"`);
          this.#count++;
          this.#shownTo = json.at;
        }
        continue;
      }
      if (level.isEmpty || !json.takes(',')) return false;
      json.skipSpace();
      if (!level.isObject) level.key = (level.key as number) + 1;
      return this.#begin();
    }
    return true;
  }

  #isSecretField(): boolean {
    const level = this.#levels.at(-1);
    return level?.isObject === true && this.#rule.hidesName(level.key as string);
  }

  #hidesScalar(scalar: string): boolean {
    const { hidesValue } = this.#rule;
    if (hidesValue === undefined) return false;
    const path = this.#levels.map(({ key }) => key);
    return hidesValue(JSON.parse(scalar), path);
  }

  #hide(from: number, to: number): void {
    this.#show(from);
    this.#put(`"${HIDDEN}"`);
    this.#count++;
    this.#shownTo = to;
  }

  #show(to: number): void {
    this.#put(this.#json.text.slice(this.#shownTo, to));
    this.#shownTo = to;
  }

  #put(text: string): void {
    this.#parts.push(text);
    this.#length += text.length;
  }
}
