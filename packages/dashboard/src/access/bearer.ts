import { ConfigError } from '@brokkr/core/adapter';
import type { Access, AccessRule, Level } from './access-rule.ts';
import { accessOf, Credentials } from './credentials.ts';

/** A shorter token can be guessed. */
const SHORTEST_TOKEN = 16;

/** A token of `bearer`. */
export interface BearerToken {
  /** At least 16 characters. */
  readonly token: string;
  /** Name of its holder. @default 'token' */
  readonly who?: string | undefined;
  /** @default 'operate' */
  readonly can?: Level | Access | undefined;
}

/**
 * Access by the header `authorization: Bearer TOKEN`, for programs, and for proxies that add it.
 *
 * @throws ConfigError (`DASHBOARD_INVALID`) if a token has less than 16 characters
 * @example
 * createDashboard({ managers: tm, access: bearer({ token, can: 'read' }) });
 */
export function bearer(tokens: BearerToken | readonly BearerToken[]): AccessRule {
  const list = Array.isArray(tokens) ? (tokens as readonly BearerToken[]) : [tokens as BearerToken];
  for (const { token } of list) {
    if (typeof token === 'string' && token.length >= SHORTEST_TOKEN) continue;
    throw new ConfigError(
      `bearer: a token must have at least ${SHORTEST_TOKEN} characters; is the variable set that holds it?`,
      { code: 'DASHBOARD_INVALID' },
    );
  }
  const credentials = new Credentials(
    list.map(({ token, who = 'token', can = 'operate' }) => ({ secret: token, access: accessOf(can, who) })),
  );
  return (request: Request) => {
    const [, token] = /^bearer (\S{1,2000})$/i.exec(request.headers.get('authorization') ?? '') ?? [];
    return token === undefined ? 'none' : credentials.check(token);
  };
}
