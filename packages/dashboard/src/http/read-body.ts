import { ApiError, badRequest } from './api-error.ts';

/** 500 ids of 200 characters, and their quotes, need 102 KiB. */
const MOST_BYTES = 262_144;

/**
 * Reads the JSON object that a change brings.
 *
 * @throws ApiError 400 if it is not an object, 413 if it has more than 256 KiB
 */
export async function readBody(request: Request): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  if (request.body !== null) {
    for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      if (bytes > MOST_BYTES) throw new ApiError(413, 'BODY_TOO_LARGE', `a body has at most ${MOST_BYTES} bytes`);
      chunks.push(chunk);
    }
  }
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw badRequest('the body is not valid JSON');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw badRequest('the body must be a JSON object');
}
