import { PayloadTooLargeError, SerializationError } from '../errors/errors.ts';

/** Longest progress, in bytes of JSON. */
const PROGRESS_BYTES = 4_096;

/**
 * Encodes what a handler reports of its progress.
 * @throws SerializationError (`PROGRESS_INVALID`) if JSON cannot hold the value
 * @throws PayloadTooLargeError (`PROGRESS_TOO_LARGE`) if it has over 4 KiB
 */
export function progressJson(task: string, value: unknown): string {
  const json = encode(task, value);
  const size = Buffer.byteLength(json);
  if (size <= PROGRESS_BYTES) return json;
  throw new PayloadTooLargeError(
    `task ${task}: progress must have at most ${PROGRESS_BYTES} bytes as JSON; got ${size}; report numbers, and return the rest as result`,
    { code: 'PROGRESS_TOO_LARGE', size, limit: PROGRESS_BYTES },
  );
}

function encode(task: string, value: unknown): string {
  let json: string | undefined;
  let cause: unknown;
  try {
    json = JSON.stringify(value);
  } catch (error) {
    cause = error;
  }
  if (json !== undefined) return json;
  throw new SerializationError(
    `task ${task}: progress must be a value that JSON can hold, such as { done: 3, of: 10 }`,
    {
      code: 'PROGRESS_INVALID',
      path: 'progress',
      cause,
    },
  );
}
