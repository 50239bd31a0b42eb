import type { ErrorBody } from '../api/types.ts';
import type { ApiError } from './api-error.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

/** An answer as JSON, which no cache keeps. */
export function json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return jsonText(JSON.stringify(value), status, headers);
}

/** The same, of text that is JSON already. */
export function jsonText(text: string, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(text, {
    status,
    headers: {
      ...SECURITY_HEADERS,
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      ...headers,
    },
  });
}

/** The answer to a request that is refused. */
export function refusal({ status, code, message, details, headers }: ApiError): Response {
  const body: ErrorBody = { error: { code, message, ...details } };
  return json(body, status, headers);
}
