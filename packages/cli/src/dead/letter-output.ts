import { print, safeJson } from '../output.ts';
import { type ListedLetter, letterTable } from './letter-table.ts';

/** Rows of one table. A longer list is printed as several tables, each with its own head. */
const MOST_ROWS = 500;

/** Prints dead letters while they are read: memory and the time until the first line do not grow with the list. */
export interface LetterOutput {
  add(letters: readonly ListedLetter[]): void;
  /** @param more whether there are letters that are not shown */
  end(more: boolean): void;
}

/** Tables of at most 500 rows, and a line if there are more letters than `limit`. */
export class LetterTables implements LetterOutput {
  readonly #limit: number;
  readonly #showsQueue: boolean;
  #rows: ListedLetter[] = [];
  #isEmpty = true;

  constructor(limit: number, showsQueue: boolean) {
    this.#limit = limit;
    this.#showsQueue = showsQueue;
  }

  add(letters: readonly ListedLetter[]): void {
    this.#rows.push(...letters);
    while (this.#rows.length >= MOST_ROWS) this.#print(this.#rows.splice(0, MOST_ROWS));
  }

  end(more: boolean): void {
    if (this.#rows.length > 0) this.#print(this.#rows);
    if (this.#isEmpty) print('no dead letter matches');
    if (more) print(`more than ${this.#limit}; --limit shows more`);
  }

  #print(rows: readonly ListedLetter[]): void {
    this.#isEmpty = false;
    print(letterTable(rows, this.#showsQueue));
  }
}

/** One JSON array, as `printJson` prints it with an indent of 2. */
export class LetterArray implements LetterOutput {
  #text = '[';

  add(letters: readonly ListedLetter[]): void {
    for (const letter of letters) {
      // A line is printed once it is known whether a comma ends it.
      if (this.#text !== '[') this.#text += ',';
      print(this.#text);
      this.#text = safeJson(letter, 2).replace(/^/gm, '  ');
    }
  }

  end(): void {
    print(this.#text === '[' ? '[]' : `${this.#text}\n]`);
  }
}
