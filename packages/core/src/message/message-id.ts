/** Characters of one id. */
const SIZE = 22;
/** Ids that are generated together. Each id is a slice that keeps the whole text alive, so it is a small number. */
const IDS = 24;
/** Bytes for these ids: one character holds six bits. */
const BYTES = (IDS * SIZE * 6) / 8;

/** Random bytes for the next ids. One call for many bytes is far cheaper than a call for each id. */
const pool = Buffer.allocUnsafeSlow(BYTES * 10);
let used = pool.length;
let text = '';
let at = 0;

/**
 * Returns a unique id: 131 random bits as 22 characters of `A-Z a-z 0-9 _ -`. The first one is a letter, so that no
 * command line parses an id as an option. It is shorter than a UUID, because servers store it several times.
 */
export function messageId(): string {
  if (at === text.length) {
    text = writeIds();
    at = 0;
  }
  at += SIZE;
  return text.slice(at - SIZE, at);
}

function writeIds(): string {
  if (used === pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  const bytes = pool.subarray(used, used + BYTES);
  used += BYTES;
  // Digits are in the upper half of the alphabet. With the first bit 0, an id begins with a letter.
  for (let bit = 0; bit < BYTES * 8; bit += SIZE * 6)
    bytes[bit >> 3] = (bytes[bit >> 3] as number) & ~(0x80 >> (bit & 7));
  return bytes.toString('base64url');
}
