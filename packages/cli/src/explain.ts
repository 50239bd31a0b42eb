/** What a person needs of an error: its message, and where the application's own code is at fault, the stack there. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return `error: ${String(error)}`;
  const cause = error.cause instanceof Error ? `\n${error.cause.stack ?? error.cause.message}` : '';
  return printable(`error: ${error.message}${cause}`);
}

/** Control characters and Unicode's line separators. */
const UNSAFE = /[\p{Cc}\u2028\u2029]/gu;

/** Text with everything but line breaks that a terminal acts on made visible. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) =>
    character === '\n' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
