import { ApiError, post } from './client.ts';

/**
 * `brokkr dashboard` prints an address with a token, `#t=…`. It is exchanged for a cookie and leaves the address at once, so
 * that it stays in no history.
 * @returns why the server refused the token
 */
export async function login(): Promise<ApiError | undefined> {
  const token = new URLSearchParams(window.location.hash.slice(1)).get('t');
  if (token === null) return undefined;
  window.history.replaceState(null, '', '#/');
  window.dispatchEvent(new HashChangeEvent('hashchange'));
  try {
    await post(['login'], { token });
    return undefined;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return error;
  }
}
