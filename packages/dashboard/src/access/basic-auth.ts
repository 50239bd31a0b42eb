import { ConfigError } from '@brokkr/core/adapter';
import type { Access, AccessRule, Level } from './access-rule.ts';
import { accessOf, Credentials } from './credentials.ts';

/** A user of `basicAuth`. */
export interface BasicAuthUser {
  readonly user: string;
  readonly password: string;
  /** @default 'operate' */
  readonly can?: Level | Access | undefined;
}

/**
 * Access by user and password, for which browsers ask. Serve the dashboard by HTTPS then: the password is in every
 * request. After 10 wrong passwords within a minute, further ones are refused with 429.
 *
 * @throws ConfigError (`DASHBOARD_INVALID`) if a user or password is empty, or a user has a colon
 * @example
 * createDashboard({ managers: tm, access: basicAuth({ user: 'ada', password }) });
 */
export function basicAuth(users: BasicAuthUser | readonly BasicAuthUser[]): AccessRule {
  const list = Array.isArray(users) ? (users as readonly BasicAuthUser[]) : [users as BasicAuthUser];
  for (const { user, password } of list) check(user, password);
  const credentials = new Credentials(
    list.map(({ user, password, can = 'operate' }) => ({ secret: `${user}:${password}`, access: accessOf(can, user) })),
  );
  return Object.assign((request: Request) => credentialOf(request, credentials), {
    challenge: 'Basic realm="Brokkr", charset="UTF-8"',
  });
}

function check(user: unknown, password: unknown): void {
  if (typeof user !== 'string' || user === '' || user.includes(':')) {
    throw invalid('user must be a text without a colon that is not empty');
  }
  if (typeof password !== 'string' || password === '') {
    throw invalid(`the password of ${user} must be a text that is not empty; is the variable set that holds it?`);
  }
}

function invalid(problem: string): ConfigError {
  return new ConfigError(`basicAuth: ${problem}`, { code: 'DASHBOARD_INVALID' });
}

function credentialOf(request: Request, credentials: Credentials): Access | 'none' {
  const [, encoded] = /^basic ([A-Za-z0-9+/=]{1,2000})$/i.exec(request.headers.get('authorization') ?? '') ?? [];
  return encoded === undefined ? 'none' : credentials.check(Buffer.from(encoded, 'base64').toString('utf8'));
}
