const closed = new AbortController();

/** Aborts when the reader of the output has closed it, as after `brokkr queues --watch | head`. */
export const outputClosed: AbortSignal = closed.signal;

/** Makes a closed pipe or terminal harmless: without it, the next write would end the process with a stack trace. */
export function tolerateClosedOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => {
      if (stream === process.stdout) closed.abort();
    });
  }
}

/** Prints one answer of a command. Nothing is printed once the reader has closed the output; the command finishes its work. */
export function print(text: string | number): void {
  if (!closed.signal.aborted) process.stdout.write(`${text}\n`);
}

/** Prints `value` as JSON that is safe on a terminal. */
export function printJson(value: unknown, indent?: number): void {
  print(safeJson(value, indent));
}

/** `value` as JSON that is safe on a terminal. */
export function safeJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(UNSAFE_IN_JSON, escaped);
}

/** Characters that a terminal acts on: controls, line separators, and those that reorder the text around them. */
const UNSAFE = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;
/** JSON escapes the others itself, but for its own line breaks. */
const UNSAFE_IN_JSON = /[\u007f-\u009f\p{Bidi_Control}\u2028\u2029]/gu;

/** Text in which all characters that a terminal acts on are visible, except line breaks. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => (character === '\n' ? character : escaped(character)));
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
