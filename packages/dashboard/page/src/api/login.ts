import { ApiError, post } from './client.ts';

/** The parts of `window` that the token is in. */
export interface Tab extends EventTarget {
  readonly location: { readonly hash: string };
  readonly history: { replaceState(state: null, unused: string, address: string): void };
}

/**
 * `brokkr dashboard` prints an address with a token, `#t=…`. It is exchanged for a cookie and leaves the address at once, so
 * that it stays in no history.
 * @returns why the server refused the token
 */
export async function login(tab: Tab): Promise<ApiError | undefined> {
  const token = tokenIn(tab);
  if (token === null) return undefined;
  tab.history.replaceState(null, '', '#/');
  tab.dispatchEvent(new Event('hashchange'));
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
export function exchangeFurtherTokens(tab: Tab, done: (refused: ApiError | undefined) => void): void {
  tab.addEventListener('hashchange', () => {
    if (tokenIn(tab) !== null) void login(tab).then(done);
  });
}

function tokenIn({ location }: Tab): string | null {
  return new URLSearchParams(location.hash.slice(1)).get('t');
}
