import { createHash } from 'node:crypto';

/** SHA-1 of an idempotency key, as its Redis keys are named. */
export function keyDigest(idempotencyKey: string): string {
  return createHash('sha1').update(idempotencyKey).digest('hex');
}
