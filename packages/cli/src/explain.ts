/** What a person needs of an error: its message, and where the application's own code is at fault, the stack there. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return `error: ${String(error)}`;
  const [cause, ...further] = causesOf(error);
  const stack = cause === undefined ? '' : `\n${cause.stack ?? messageOf(cause)}`;
  return printable(`error: ${error.message}${stack}${further.map((each) => `\ncause: ${messageOf(each)}`).join('')}`);
}

/** What led to an error, the nearest first. */
export function causesOf(error: unknown): readonly Error[] {
  const causes: Error[] = [];
  for (let at = (error as { cause?: unknown }).cause; at instanceof Error && !causes.includes(at); at = at.cause) {
    causes.push(at);
  }
  return causes;
}

/** An attempt on several addresses of one host says nothing itself: what each of them said. */
export function messageOf(error: Error): string {
  if (error.message !== '' || !(error instanceof AggregateError)) return error.message || error.name;
  return error.errors.map((each) => (each instanceof Error ? each.message : String(each))).join(', ');
}

/** Control characters and Unicode's line separators. */
const UNSAFE = /[\p{Cc}\u2028\u2029]/gu;

/** Text with everything but line breaks that a terminal acts on made visible. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) =>
    character === '\n' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
