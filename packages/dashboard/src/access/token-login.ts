import { randomBytes } from 'node:crypto';
import { SECURITY_HEADERS } from '../http/security-headers.ts';
import type { Access, AccessRule } from './access-rule.ts';
import { Credentials, isSecret } from './credentials.ts';

/** A token for a URL, and the rule that it opens. */
export interface TokenLogin {
  /** For the URL that is printed: `/#t=TOKEN`. */
  readonly token: string;
  readonly access: AccessRule;
}

/**
 * Access by a random token in a printed URL, which the page exchanges for a cookie that no script can read and no other
 * site can send. For `brokkr dashboard`; both end with the process.
 *
 * @param name part of the cookie's name: cookies of one host are shared by all its ports
 */
export function tokenLogin(name: string, access: Access): TokenLogin {
  const token = randomBytes(24).toString('base64url');
  const session = randomBytes(24).toString('base64url');
  const cookie = `brokkr-${name}`;
  const tokens = new Credentials([{ secret: token, access }]);
  const rule = (request: Request): Access | 'none' => {
    const given = cookieOf(request, cookie);
    // Wrong ones are not counted: a page of an earlier process sends its cookie until it is closed.
    return given !== undefined && isSecret(given, session) ? access : 'none';
  };
  const login = (given: string): Response => {
    if (tokens.check(given) === 'none')
      return answer(
        401,
        '{"error":{"code":"UNAUTHENTICATED","message":"the token in the URL is wrong: this dashboard has been restarted since; open the URL that it has printed"}}',
      );
    return answer(200, '{"done":1,"missing":[]}', `${cookie}=${session}; Path=/; HttpOnly; SameSite=Strict`);
  };
  return { token, access: Object.assign(rule, { servesPage: true, login }) };
}

function cookieOf(request: Request, name: string): string | undefined {
  const cookies = (request.headers.get('cookie') ?? '').split(';').map((each) => each.trim());
  return cookies.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
}

function answer(status: number, body: string, cookie?: string): Response {
  const headers = new Headers({ ...SECURITY_HEADERS, 'content-type': 'application/json', 'cache-control': 'no-store' });
  if (cookie !== undefined) headers.set('set-cookie', cookie);
  return new Response(body, { status, headers });
}
