import { ApiError, post } from './client.ts';

/**
 * `brokkr dashboard` prints an address with a token, `#t=…`. It is exchanged for a cookie and leaves the address at once, so
 * that it stays in no history.
 * @returns why the server refused the token
 */
export async function login(): Promise<ApiError | undefined> {
  const token = tokenInAddress();
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

/**
 * Exchanges the token of each further address that is opened in this tab: then only the part after `#` changes, and the
 * browser does not load the page again.
 * @param done called after each exchange, with the reason if the server refused the token
 */
export function exchangeFurtherTokens(done: (refused: ApiError | undefined) => void): void {
  window.addEventListener('hashchange', () => {
    if (tokenInAddress() !== null) void login().then(done);
  });
}

function tokenInAddress(): string | null {
  return new URLSearchParams(window.location.hash.slice(1)).get('t');
}
