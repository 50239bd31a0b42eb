import { describe, expect, it } from 'vitest';
import { Progress, type ProgressStream } from '../../packages/cli/src/terminal/progress.ts';

/** A terminal that keeps what is written to it, and a clock that the test moves. */
function terminal(given: Partial<ProgressStream> = {}) {
  const written: string[] = [];
  const clock = { at: 1_000 };
  const stream = { isTTY: true, columns: 20, ...given, write: (text: string) => written.push(text) };
  return { written, clock, progress: new Progress(stream, () => clock.at) };
}

describe('the progress of a long command', () => {
  it('is silent for half a second, is redrawn in place ten times a second, and is removed at the end', () => {
    const { written, clock, progress } = terminal();
    progress.show('1 of 9');
    clock.at += 499;
    progress.show('2 of 9');
    expect(written).toEqual([]);
    clock.at += 1;
    progress.show('3 of 9');
    clock.at += 99;
    progress.show('4 of 9');
    clock.at += 1;
    progress.show('5 of 9');
    progress.end();
    expect(written).toEqual(['\r\u001b[K3 of 9', '\r\u001b[K5 of 9', '\r\u001b[K']);
    progress.end();
    expect(written).toHaveLength(3);
  });

  it('writes nothing if the command ended before it was shown', () => {
    const { written, progress } = terminal();
    progress.show('1 of 9');
    progress.end();
    expect(written).toEqual([]);
  });

  it('fits one line, however wide the terminal is, and shows control characters of names', () => {
    for (const [columns, shown] of [
      [10, 'queue \\u0'],
      [0, 'queue \\u001b[2J x of a very long name'],
      [undefined, 'queue \\u001b[2J x of a very long name'],
    ] as const) {
      const { written, clock, progress } = terminal({ columns });
      clock.at += 500;
      progress.show('queue \u001b[2J\nx of a very long name');
      expect(written).toEqual([`\r\u001b[K${shown}`]);
    }
  });

  it('is not shown if standard error is a file or a pipe', () => {
    const { written, clock, progress } = terminal({ isTTY: undefined });
    clock.at += 1_000;
    progress.show('1 of 9');
    progress.end();
    expect(written).toEqual([]);
  });
});
