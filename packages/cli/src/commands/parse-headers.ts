import { UsageError } from '../exit.ts';

/**
 * Reads headers such as `traceId=4bf9`. The value may be empty, and may contain `=`.
 *
 * @throws UsageError if one has no name or no `=`, or if a name is given twice
 */
export function parseHeaders(given: readonly string[]): Readonly<Record<string, string>> {
  const headers = new Map<string, string>();
  for (const text of given) {
    const at = text.indexOf('=');
    const name = text.slice(0, at);
    if (at < 1) throw new UsageError(`--header ${JSON.stringify(text)}: give a name and a value, as in traceId=4bf9`);
    if (headers.has(name)) throw new UsageError(`--header ${name} was given twice; give it once`);
    headers.set(name, text.slice(at + 1));
  }
  return Object.fromEntries(headers);
}
