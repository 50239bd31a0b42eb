import { MAX_DEPTH } from './faithful-json.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Returns whether JSON bytes nest deeper than `MAX_DEPTH` + 1 (the list of arguments is one level). It counts bytes
 * before parsing: JSON.parse accepts deeper values, and code that walks them overflows its stack.
 */
export function isTooDeep(json: Uint8Array): boolean {
  const limit = MAX_DEPTH + 1;
  if (json.length <= 2 * limit) return false;
  let depth = 0;
  let inString = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (inString) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) {
      inString = true;
    } else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      if (++depth > limit) return true;
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) {
      depth--;
    }
  }
  return false;
}
