import type { Rights } from '../api/types.ts';
import { ApiError } from '../http/api-error.ts';
import type { Access, AccessRule, Level } from './access-rule.ts';

const LEVELS: readonly Level[] = ['none', 'read', 'operate'];

/** The user of one call: every handler checks what it does with these methods. */
export class User {
  readonly who: string;
  readonly rights: Rights;
  readonly #queues: ReadonlySet<string> | undefined;

  constructor({ level, who, payloads, queues }: Access, readOnly: boolean) {
    this.who = (who ?? 'user').slice(0, 200);
    this.rights = {
      operate: level === 'operate' && !readOnly,
      payloads: payloads === true,
      queues: queues === undefined ? 'all' : [...queues],
    };
    this.#queues = queues === undefined ? undefined : new Set(queues);
  }

  /** Users with the same key see the same. */
  get key(): string {
    return this.#queues === undefined ? 'all' : JSON.stringify([...this.#queues].sort());
  }

  sees(queue: string): boolean {
    return this.#queues?.has(queue) ?? true;
  }

  get seesAll(): boolean {
    return this.#queues === undefined;
  }

  /** @throws ApiError 404, as for a queue that does not exist */
  checkSees(queue: string): void {
    if (!this.sees(queue)) throw unknownQueue(queue);
  }

  /** @throws ApiError 403 */
  checkOperates(): void {
    if (!this.rights.operate) {
      throw new ApiError(403, 'FORBIDDEN', 'you may look, but not change anything: this needs the right to operate');
    }
  }
}

export function unknownQueue(queue: string): ApiError {
  return new ApiError(404, 'QUEUE_UNKNOWN', `there is no queue ${JSON.stringify(queue.slice(0, 120))}`);
}

/**
 * Asks the rules who sent a request: the first one that does not refuse decides.
 *
 * @throws ApiError 401 if none gives access, 429 after too many wrong credentials, 500 if a rule fails
 */
export async function userOf(request: Request, rules: readonly AccessRule[], readOnly: boolean): Promise<User> {
  for (const rule of rules) {
    const access = await ask(rule, request);
    if (access.level !== 'none') return new User(access, readOnly);
  }
  const challenge = rules.find((rule) => rule.challenge !== undefined)?.challenge;
  throw new ApiError(401, 'UNAUTHENTICATED', 'this dashboard is not open to you', {
    headers: challenge === undefined ? {} : { 'www-authenticate': challenge },
  });
}

async function ask(rule: AccessRule, request: Request): Promise<Access> {
  let decided: Level | Access;
  try {
    decided = await rule(request);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(500, 'ACCESS_FAILED', 'the access rule of this dashboard failed; its log has the error', {
      cause: error,
    });
  }
  const access = typeof decided === 'string' ? { level: decided } : decided;
  // A rule in JavaScript may return anything: what is not a known level gives no access.
  return LEVELS.includes(access?.level) ? access : { level: 'none' };
}
