import { print } from '../output.ts';

/**
 * Shows text that changes. On a terminal each frame replaces the one before, cut to the window. If the output is a file
 * or a pipe, frames are printed one after the other.
 */
export class Frames {
  readonly #stream: NodeJS.WriteStream;
  #height = 0;

  constructor(stream: NodeJS.WriteStream = process.stdout) {
    this.#stream = stream;
  }

  /** @param note text below, which is wrapped instead of cut */
  show(text: string, note = ''): void {
    if (this.#stream.isTTY !== true) {
      print(note === '' ? text : `${text}\n${note}`);
      return;
    }
    const { rows, columns } = this.#stream;
    const below = note === '' ? [] : wrapped(note, columns);
    const lines = [...fitted(text.split('\n'), rows - below.length, columns), ...below];
    // Up to the first line of the frame before, then each line over the old one: nothing flickers.
    const up = this.#height === 0 ? '' : `\u001b[${this.#height}A\r`;
    print(`${up}${lines.map((line) => `${line}\u001b[K`).join('\n')}\u001b[J`);
    this.#height = lines.length;
  }
}

/** Lines that fit into a window: the last one says how many are left out. */
function fitted(lines: readonly string[], rows: number, columns: number): readonly string[] {
  const most = Math.max(2, rows - 1);
  const shown = lines.length <= most ? lines : [...lines.slice(0, most - 1), `… ${lines.length - most + 1} more lines`];
  return shown.map((line) => [...line].slice(0, columns).join(''));
}

function wrapped(text: string, columns: number): readonly string[] {
  const characters = [...text];
  const count = Math.ceil(characters.length / columns);
  return Array.from({ length: count }, (_, index) => characters.slice(index * columns, (index + 1) * columns).join(''));
}
