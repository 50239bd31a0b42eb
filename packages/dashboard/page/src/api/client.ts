import type { ErrorBody } from '../../../src/api/types.ts';

/** An answer of the server that is a failure, or no answer at all (`UNREACHABLE`). */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  /** With `COUNT_CHANGED` of a bulk job: how many messages match now. */
  readonly matched: number | undefined;

  constructor(status: number, error: ErrorBody['error']) {
    super(error.message);
    this.name = 'ApiError';
    this.status = status;
    this.code = error.code;
    this.matched = error.matched;
  }
}

/** Parameters of a call; those that are left out or empty are not sent. */
export type Params = Readonly<Record<string, string | number | undefined>>;

/** `api/v1/…`, relative to the page, so that every prefix of a proxy works. */
export function apiUrl(path: readonly string[], params: Params = {}): string {
  const given = Object.entries(params).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)] as [string, string]],
  );
  const search = new URLSearchParams(given).toString();
  return `api/v1/${path.map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`;
}

/** Asks the server. @throws ApiError */
export function get<Answer>(url: string, signal?: AbortSignal): Promise<Answer> {
  return call<Answer>(url, { headers: { accept: 'application/json' }, signal: signal ?? null });
}

/** Changes something. The header shows the server that a page of its own asked. @throws ApiError */
export function post<Answer>(path: readonly string[], body: object = {}): Promise<Answer> {
  return call<Answer>(apiUrl(path), {
    method: 'POST',
    headers: { accept: 'application/json', 'content-type': 'application/json', 'x-brokkr': '1' },
    body: JSON.stringify(body),
  });
}

/** The cookie is sent, and figures are never those of a cache. */
const ALWAYS = { credentials: 'same-origin', cache: 'no-store' } as const;

async function call<Answer>(url: string, init: RequestInit): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(url, { ...init, ...ALWAYS });
  } catch (error) {
    if (init.signal?.aborted === true) throw error;
    throw new ApiError(0, { code: 'UNREACHABLE', message: 'The dashboard does not answer.' });
  }
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok && answer !== undefined) return answer as Answer;
  throw new ApiError(response.status, failureOf(answer, response.status));
}

/** Proxies answer with pages of their own: those count as failures without a code. */
function failureOf(answer: unknown, status: number): ErrorBody['error'] {
  const error = (answer as Partial<ErrorBody> | undefined)?.error;
  if (typeof error?.message === 'string') return error;
  return { code: `HTTP_${status}`, message: `The server answered ${status} without a reason.` };
}
