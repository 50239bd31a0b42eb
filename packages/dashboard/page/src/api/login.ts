import { ApiError, post } from './client.ts';
import { sessionFailure } from './session.ts';

/**
 * `brokkr dashboard` prints an address with a token, `#t=…`. It is exchanged for a cookie and leaves the address at once, so
 * that it stays in no history.
 */
export async function login(): Promise<void> {
  const token = new URLSearchParams(window.location.hash.slice(1)).get('t');
  if (token === null) return;
  window.history.replaceState(null, '', '#/');
  window.dispatchEvent(new HashChangeEvent('hashchange'));
  try {
    await post(['login'], { token });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    sessionFailure.value = error;
  }
}
