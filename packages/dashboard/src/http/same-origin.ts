import { ApiError } from './api-error.ts';

/**
 * Refuses a change that another site made a browser send. A change is a `POST` of JSON with the header `x-brokkr: 1`:
 * a form cannot send either, and a script of another origin needs a permission that is never given. Beside that, the
 * browser's own word is checked: `Sec-Fetch-Site`, else `Origin`, which then must name the host of the request. Programs
 * that send none of them are no browsers.
 *
 * @throws ApiError 403 `CROSS_SITE`, 415 `JSON_REQUIRED`
 */
export function checkSameOrigin(request: Request): void {
  const { headers } = request;
  if (headers.get('x-brokkr') !== '1') throw crossSite('a change needs the header x-brokkr: 1');
  const type = headers.get('content-type') ?? '';
  if (!/^application\/json\s*(?:;|$)/i.test(type)) {
    throw new ApiError(415, 'JSON_REQUIRED', 'a change needs a JSON body, with content-type: application/json');
  }
  const site = headers.get('sec-fetch-site');
  if (site !== null) {
    if (site !== 'same-origin') throw crossSite(`a browser sent this change from another site (${site.slice(0, 20)})`);
    return;
  }
  const origin = headers.get('origin');
  if (origin !== null && hostOf(origin) !== hostOfRequest(request)) {
    throw crossSite('a browser sent this change from another origin; if a proxy changes the Host header, let it pass');
  }
}

/** The host that a client named, with its port, in lower case. */
export function hostOfRequest(request: Request): string {
  return (request.headers.get('host') ?? new URL(request.url).host).toLowerCase();
}

/** `undefined` for `null`, which sandboxed pages send, and other texts. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host.toLowerCase() : undefined;
}

function crossSite(message: string): ApiError {
  return new ApiError(403, 'CROSS_SITE', message);
}
