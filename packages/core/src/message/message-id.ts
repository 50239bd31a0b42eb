/** Characters of an id. */
const SIZE = 22;
/** Written at once; few, as each of them keeps the text of all alive. */
const IDS = 24;
/** Bytes of so many: six bits make a character. */
const BYTES = (IDS * SIZE * 6) / 8;

/** Random bytes for the ids to come: asking for many at once is what makes one cheap. */
const pool = Buffer.allocUnsafeSlow(BYTES * 10);
let used = pool.length;
let text = '';
let at = 0;

/**
 * An id that no other message has: 131 random bits as 22 characters of `A-Z a-z 0-9 _ -`, the first one a letter, so
 * that no command line takes it for an option. Shorter than a UUID, since servers keep it several times.
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
  // The upper half of the alphabet has digits: the first bit of an id is 0.
  for (let bit = 0; bit < BYTES * 8; bit += SIZE * 6)
    bytes[bit >> 3] = (bytes[bit >> 3] as number) & ~(0x80 >> (bit & 7));
  return bytes.toString('base64url');
}
