import { createHash, timingSafeEqual } from 'node:crypto';
import { ApiError } from '../http/api-error.ts';
import type { Access, Level } from './access-rule.ts';
import { FailureLimit } from './failure-limit.ts';

/** Wrong credentials that are accepted a minute, before further ones are refused unseen. */
const MOST_FAILURES = 10;

/** A secret text, and what it allows. */
export interface Credential {
  readonly secret: string;
  readonly access: Access;
}

/**
 * Compares what clients send with secrets, in constant time. After 10 wrong ones within a minute, others than those that
 * were accepted before are refused without a comparison: who is at work is not locked out by an attacker.
 */
export class Credentials {
  readonly #known: readonly { readonly digest: Buffer; readonly access: Access }[];
  readonly #limit: FailureLimit;
  readonly #accepted = new Set<string>();

  constructor(credentials: readonly Credential[], now?: () => number) {
    this.#known = credentials.map(({ secret, access }) => ({ digest: digestOf(secret), access }));
    this.#limit = new FailureLimit(MOST_FAILURES, now);
  }

  /** What `given` allows. @throws ApiError 429 after too many failures */
  check(given: string): Access | 'none' {
    const digest = digestOf(given);
    const key = digest.toString('base64');
    const { waitSeconds } = this.#limit;
    if (waitSeconds > 0 && !this.#accepted.has(key)) throw tooMany(waitSeconds);
    let found: Access | undefined;
    // All of them, so that the time does not depend on which one fits.
    for (const { digest: known, access } of this.#known) if (timingSafeEqual(known, digest)) found = access;
    if (found === undefined) {
      this.#limit.failed();
      return 'none';
    }
    this.#accepted.add(key);
    return found;
  }
}

/** Levels by themselves, or a whole access. @param who the name if the access has none */
export function accessOf(can: Level | Access, who: string): Access {
  return typeof can === 'string' ? { level: can, who } : { who, ...can };
}

/** Compares a text with a secret in constant time. */
export function isSecret(given: string, secret: string): boolean {
  return timingSafeEqual(digestOf(given), digestOf(secret));
}

function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

function tooMany(seconds: number): ApiError {
  return new ApiError(429, 'TOO_MANY_ATTEMPTS', `too many wrong credentials; try again in ${seconds} s`, {
    headers: { 'retry-after': String(seconds) },
  });
}
