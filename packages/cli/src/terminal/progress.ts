import { printable } from '../output.ts';

/** A command that ends sooner shows no progress. */
const SILENT_MS = 500;
const REDRAW_MS = 100;

/**
 * One line on standard error that shows how far a command is. It is redrawn in place, and removed by `end`. If standard
 * error is not a terminal, nothing is shown.
 */
export class Progress {
  readonly #startedAt = performance.now();
  #drawnAt = 0;
  #isShown = false;

  /** Shows a line, unless one was shown within the last 100 ms. */
  show(text: string): void {
    if (process.stderr.isTTY !== true) return;
    const now = performance.now();
    if (now - this.#startedAt < SILENT_MS || now - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = now;
    this.#isShown = true;
    process.stderr.write(`\r\u001b[K${[...printable(text)].slice(0, process.stderr.columns - 1).join('')}`);
  }

  /** Removes the line. */
  end(): void {
    if (this.#isShown) process.stderr.write('\r\u001b[K');
    this.#isShown = false;
  }
}
