import { isUtf8 } from 'node:buffer';
import type { Envelope } from '../broker/envelope.ts';
import {
  ATTEMPT_HEADER,
  ENQUEUED_AT_HEADER,
  LIMIT_HEADER,
  MAX_RETRIES_HEADER,
  PAYLOAD_VERSION_HEADER,
  TASK_HEADER,
  TIMEOUT_HEADER,
  VERSION_HEADER,
} from '../broker/headers.ts';
import { laneName } from '../broker/lane-names.ts';
import { isTaskName } from '../broker/names.ts';
import { PayloadTooLargeError, SerializationError } from '../errors/errors.ts';
import { assertFaithful, type FaithfulOptions } from './faithful-json.ts';
import { isTooDeep } from './json-depth.ts';
import type { Message } from './message.ts';
import { readHeaders } from './received-headers.ts';

const VERSION = '1';
const WHOLE_NUMBER = /^\d{1,15}$/;

/**
 * Encodes arguments as JSON bytes. Trailing `undefined` arguments are left out, so that the handler's defaults apply.
 * @throws SerializationError with the path of a value that JSON cannot carry
 * @throws PayloadTooLargeError for more than `maxBytes`
 */
export function encodeArgs(args: readonly unknown[], maxBytes: number, options?: FaithfulOptions): Uint8Array {
  let count = args.length;
  while (count > 0 && args[count - 1] === undefined) count--;
  const sent = count === args.length ? args : args.slice(0, count);
  for (let index = 0; index < count; index++) assertFaithful(sent[index], index, options);
  const body = Buffer.from(stringify(sent));
  if (body.byteLength > maxBytes) {
    throw new PayloadTooLargeError(
      `payload of ${body.byteLength} bytes is over the limit of ${maxBytes} (TASK_MAX_PAYLOAD); store it elsewhere and send a reference`,
      { size: body.byteLength, limit: maxBytes },
    );
  }
  return body;
}

function stringify(args: readonly unknown[]): string {
  try {
    return JSON.stringify(args);
  } catch (cause) {
    throw new SerializationError('args: a toJSON in the payload threw an error; send plain data', {
      path: 'args',
      cause,
    });
  }
}

/** The envelope of a new message, with `body` from `encodeArgs`. */
export function encodeEnvelope(message: Message, body: Uint8Array): Envelope {
  // Assigned, because computed keys in an object literal can be slow for the whole life of a process.
  const headers: Record<string, string> = {};
  headers[TASK_HEADER] = message.task;
  headers[ENQUEUED_AT_HEADER] = instant(message.enqueuedAt);
  if (message.version !== undefined) headers[PAYLOAD_VERSION_HEADER] = String(message.version);
  if (message.attempt !== 1) headers[ATTEMPT_HEADER] = String(message.attempt);
  if (message.maxRetries !== undefined) headers[MAX_RETRIES_HEADER] = String(message.maxRetries);
  if (message.limits !== undefined) headers[LIMIT_HEADER] = message.limits;
  if (message.timeoutMs !== undefined) headers[TIMEOUT_HEADER] = String(message.timeoutMs);
  for (const name in message.headers) headers[name] = message.headers[name] as string;
  const envelope: { -readonly [K in keyof Envelope]: Envelope[K] } = {
    id: message.id,
    queue: message.priority === undefined ? message.queue : laneName(message.queue, message.priority),
    body,
    headers,
  };
  if (message.notBefore !== undefined) envelope.notBefore = message.notBefore;
  if (message.expiresAt !== undefined) envelope.expiresAt = message.expiresAt;
  if (message.idempotencyKey !== undefined) {
    envelope.idempotencyKey = message.idempotencyKey;
    if (message.idempotencyTtlMs !== undefined) envelope.idempotencyTtlMs = message.idempotencyTtlMs;
  }
  return envelope;
}

let lastInstant = 0;
let lastWritten = '0';

/** Epoch milliseconds as text. Remembers the last one, because many sends of a burst have the same. */
function instant(ms: number): string {
  if (ms !== lastInstant) {
    lastInstant = ms;
    lastWritten = String(ms);
  }
  return lastWritten;
}

let lastRead = '0';
let lastReadInstant = 0;

/** Reads epoch milliseconds, and remembers the last one too. */
function readInstant(text: string | undefined): number | null {
  if (text === lastRead) return lastReadInstant;
  const instantMs = wholeNumber(text, 0);
  if (text !== undefined && instantMs !== null) {
    lastRead = text;
    lastReadInstant = instantMs;
  }
  return instantMs;
}

/** Why an envelope does not hold a message. The reason begins with a code: `malformed`, `too_large`, `too_deep` and others. */
export interface Undecodable {
  readonly undecodable: string;
}

/** Decodes the message in an envelope. Never throws, for any bytes and headers. */
export function decodeEnvelope(envelope: Envelope, maxBytes: number): Message | Undecodable {
  const { headers, body } = envelope;
  const received = readHeaders(headers);
  if ('refused' in received) return { undecodable: received.refused };
  const version = headers[VERSION_HEADER];
  if (version !== undefined && version !== VERSION)
    return { undecodable: `malformed: envelope version ${version.slice(0, 20)}` };
  const task = headers[TASK_HEADER];
  if (!isTaskName(task)) return { undecodable: 'malformed: no valid task name' };
  if (body.byteLength > maxBytes) return { undecodable: `too_large: ${body.byteLength} bytes, ${maxBytes} allowed` };
  if (isTooDeep(body)) return { undecodable: 'too_deep: nested deeper than 64 levels' };
  const attempt = wholeNumber(headers[ATTEMPT_HEADER], 1);
  const maxRetries = wholeNumber(headers[MAX_RETRIES_HEADER], undefined);
  const timeoutMs = wholeNumber(headers[TIMEOUT_HEADER], undefined);
  const payloadVersion = wholeNumber(headers[PAYLOAD_VERSION_HEADER], undefined);
  const enqueuedAt = readInstant(headers[ENQUEUED_AT_HEADER]);
  if (
    attempt === null ||
    attempt === 0 ||
    maxRetries === null ||
    timeoutMs === null ||
    enqueuedAt === null ||
    payloadVersion === null ||
    payloadVersion === 0
  ) {
    return { undecodable: 'malformed: a header that must be a whole number is not' };
  }
  let args: unknown;
  try {
    args = JSON.parse(decodeUtf8(body));
  } catch {
    return { undecodable: 'malformed: the body is not JSON' };
  }
  if (!Array.isArray(args)) return { undecodable: 'malformed: the body is not a list of arguments' };
  return {
    id: envelope.id,
    task,
    queue: envelope.queue,
    args,
    version: payloadVersion === 1 ? undefined : payloadVersion,
    attempt: attempt as number,
    maxRetries,
    timeoutMs,
    headers: received.own,
    enqueuedAt,
    notBefore: envelope.notBefore,
    expiresAt: envelope.expiresAt,
    idempotencyKey: envelope.idempotencyKey,
    idempotencyTtlMs: envelope.idempotencyTtlMs,
  };
}

/** @throws TypeError if the bytes are not UTF-8 */
function decodeUtf8(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString();
  // Decoding replaces invalid bytes by U+FFFD. A text may also contain U+FFFD: only then the bytes are checked.
  if (text.includes('\uFFFD') && !isUtf8(bytes)) throw new TypeError('invalid UTF-8');
  return text;
}

/** The number in a header; `absent` if there is no header, `null` if it is not a whole number. */
function wholeNumber<T>(header: string | undefined, absent: T): number | T | null {
  if (header === undefined) return absent;
  return WHOLE_NUMBER.test(header) ? Number(header) : null;
}
