/** Bytes of an id. */
const SIZE = 16;

/** Random bytes for the ids to come: asking for many at once is what makes one cheap. */
const pool = Buffer.allocUnsafeSlow(SIZE * 256);
let used = pool.length;

/**
 * An id that no other message has: 127 random bits as 22 characters of `A-Z a-z 0-9 _ -`, the first one a letter, so
 * that no command line takes it for an option. Shorter than a UUID, since servers keep it several times.
 */
export function messageId(): string {
  if (used === pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  // The first character stands for the upper six bits of the first byte, and the upper half of the alphabet has digits.
  pool[used] = (pool[used] as number) & 0x7f;
  const id = pool.toString('base64url', used, used + SIZE);
  used += SIZE;
  return id;
}
