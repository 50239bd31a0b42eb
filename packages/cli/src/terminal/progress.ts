import { printable } from '../output.ts';

/** A command that ends sooner shows no progress. */
const SILENT_MS = 500;
const REDRAW_MS = 100;
/** Width of a terminal that does not say how wide it is. */
const COLUMNS = 80;
/** Goes to the start of the line, and clears it. */
const CLEARED = '\r\u001b[K';

/** The parts of a terminal that progress uses. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/**
 * One line on standard error that shows how far a command is. It is redrawn in place, and removed by `end`. If standard
 * error is not a terminal, nothing is shown.
 */
export class Progress {
  readonly #stream: ProgressStream;
  readonly #now: () => number;
  readonly #startedAt: number;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #isShown = false;

  /** @param now milliseconds that only grow */
  constructor(stream: ProgressStream = process.stderr, now = () => performance.now()) {
    this.#stream = stream;
    this.#now = now;
    this.#startedAt = now();
  }

  /** Shows a line, cut to the width of the terminal, unless one was shown within the last 100 ms. */
  show(text: string): void {
    if (this.#stream.isTTY !== true) return;
    const now = this.#now();
    if (now - this.#startedAt < SILENT_MS || now - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = now;
    this.#isShown = true;
    const line = printable(text).replaceAll('\n', ' ');
    // A character in the last column would move the cursor to the next line.
    const most = (this.#stream.columns || COLUMNS) - 1;
    this.#stream.write(`${CLEARED}${[...line].slice(0, most).join('')}`);
  }

  /** Removes the line. */
  end(): void {
    if (this.#isShown) this.#stream.write(CLEARED);
    this.#isShown = false;
  }
}
