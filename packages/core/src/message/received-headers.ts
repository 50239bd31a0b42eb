import { HEADER_PREFIX } from '../broker/headers.ts';

/**
 * Limits of received headers. A sender may add 32 headers of 1 KiB (`checkHeaders`), and the core adds at most a dozen;
 * the longest is the history, 16 KiB. Headers of other programs count, too.
 */
const MOST_HEADERS = 64;
const MOST_CHARACTERS = 65_536;
/** Headers of the sender that a dead letter keeps if there were too many. */
const KEPT_HEADERS = 32;
const KEPT_CHARACTERS = 1_024;

const NONE: Readonly<Record<string, string>> = Object.freeze({});

/** The sender's headers, or why the headers of a message are refused. */
export type ReceivedHeaders = { readonly own: Readonly<Record<string, string>> } | { readonly refused: string };

/** Reads the headers of a received message: those of the sender, without Brokkr's own. Never throws for plain objects. */
export function readHeaders(headers: Readonly<Record<string, string>>): ReceivedHeaders {
  let own: [string, string][] | undefined;
  let count = 0;
  let characters = 0;
  for (const name in headers) {
    const value: unknown = headers[name];
    if (typeof value !== 'string') return { refused: `malformed: a header is not a string but ${typeof value}` };
    characters += name.length + value.length;
    if (++count > MOST_HEADERS) return { refused: `too_many_headers: more than ${MOST_HEADERS}` };
    if (characters > MOST_CHARACTERS)
      return { refused: `headers_too_large: more than ${MOST_CHARACTERS} characters in all` };
    if (name.startsWith(HEADER_PREFIX)) continue;
    own ??= [];
    own.push([name, value]);
  }
  return own === undefined ? NO_HEADERS : { own: Object.fromEntries(own) };
}

const NO_HEADERS: ReceivedHeaders = { own: NONE };

/** The headers that the dead letter of a message with refused headers keeps: Brokkr's own, and the first of the others. */
export function keptHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const kept: [string, string][] = [];
  let others = 0;
  for (const name in headers) {
    const value: unknown = headers[name];
    const isOwn = name.startsWith(HEADER_PREFIX);
    if (!isOwn && ++others > KEPT_HEADERS) break;
    if (typeof value === 'string' && name.length + value.length <= KEPT_CHARACTERS) kept.push([name, value]);
  }
  return Object.fromEntries(kept);
}
