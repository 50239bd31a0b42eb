import { isUtf8 } from 'node:buffer';
import type { Envelope } from '../broker/envelope.ts';
import {
  ATTEMPT_HEADER,
  ENQUEUED_AT_HEADER,
  HEADER_PREFIX,
  MAX_RETRIES_HEADER,
  TASK_HEADER,
  TIMEOUT_HEADER,
  VERSION_HEADER,
} from '../broker/headers.ts';
import { isTaskName } from '../broker/names.ts';
import { PayloadTooLargeError, SerializationError } from '../errors/errors.ts';
import { assertFaithful, type FaithfulOptions } from './faithful-json.ts';
import { isTooDeep } from './json-depth.ts';
import type { Message } from './message.ts';

const VERSION = '1';
const WHOLE_NUMBER = /^\d{1,15}$/;

/**
 * The arguments as JSON bytes. Trailing `undefined` ones are left out, so that a handler's defaults apply.
 * @throws SerializationError naming the path of what JSON cannot carry
 * @throws PayloadTooLargeError over `maxBytes`
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
  const headers: Record<string, string> = {
    [TASK_HEADER]: message.task,
    [ENQUEUED_AT_HEADER]: instant(message.enqueuedAt),
  };
  if (message.attempt !== 1) headers[ATTEMPT_HEADER] = String(message.attempt);
  if (message.maxRetries !== undefined) headers[MAX_RETRIES_HEADER] = String(message.maxRetries);
  if (message.timeoutMs !== undefined) headers[TIMEOUT_HEADER] = String(message.timeoutMs);
  for (const name in message.headers) headers[name] = message.headers[name] as string;
  const envelope: { -readonly [K in keyof Envelope]: Envelope[K] } = {
    id: message.id,
    queue: message.queue,
    body,
    headers,
  };
  if (message.notBefore !== undefined) envelope.notBefore = message.notBefore;
  if (message.expiresAt !== undefined) envelope.expiresAt = message.expiresAt;
  if (message.idempotencyKey !== undefined) envelope.idempotencyKey = message.idempotencyKey;
  return envelope;
}

let lastInstant = 0;
let lastWritten = '0';

/** Epoch milliseconds as text. Sends come in bursts, and writing the same number again costs more than remembering it. */
function instant(ms: number): string {
  if (ms !== lastInstant) {
    lastInstant = ms;
    lastWritten = String(ms);
  }
  return lastWritten;
}

let lastRead = '0';
let lastReadInstant = 0;

/** Its inverse, with the same memory. */
function readInstant(text: string | undefined): number | null {
  if (text === lastRead) return lastReadInstant;
  const instantMs = wholeNumber(text, 0);
  if (text !== undefined && instantMs !== null) {
    lastRead = text;
    lastReadInstant = instantMs;
  }
  return instantMs;
}

/** What is wrong with an envelope that is no message: `malformed`, `too_large` or `too_deep`, and why. */
export interface Undecodable {
  readonly undecodable: string;
}

/** The message in an envelope. Total: whatever the bytes are, it answers and never throws. */
export function decodeEnvelope(envelope: Envelope, maxBytes: number): Message | Undecodable {
  const { headers, body } = envelope;
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
  const enqueuedAt = readInstant(headers[ENQUEUED_AT_HEADER]);
  if (attempt === null || attempt === 0 || maxRetries === null || timeoutMs === null || enqueuedAt === null) {
    return { undecodable: 'malformed: a number in the headers is none' };
  }
  let args: unknown;
  try {
    args = JSON.parse(decodeUtf8(body));
  } catch {
    return { undecodable: 'malformed: the body is no JSON' };
  }
  if (!Array.isArray(args)) return { undecodable: 'malformed: the body is no list of arguments' };
  return {
    id: envelope.id,
    task,
    queue: envelope.queue,
    args,
    attempt: attempt as number,
    maxRetries,
    timeoutMs,
    headers: senderHeaders(headers),
    enqueuedAt,
    notBefore: envelope.notBefore,
    expiresAt: envelope.expiresAt,
    idempotencyKey: envelope.idempotencyKey,
  };
}

/** @throws TypeError where the bytes are no UTF-8 */
function decodeUtf8(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString();
  // Decoding replaces what is wrong by U+FFFD, which may also stand there rightly: only then is it worth checking.
  if (text.includes('\uFFFD') && !isUtf8(bytes)) throw new TypeError('invalid UTF-8');
  return text;
}

/** `null` where the header is there and no whole number. */
function wholeNumber<T>(header: string | undefined, absent: T): number | T | null {
  if (header === undefined) return absent;
  return WHOLE_NUMBER.test(header) ? Number(header) : null;
}

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

function senderHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  let own: [string, string][] | undefined;
  for (const name in headers) {
    if (name.startsWith(HEADER_PREFIX)) continue;
    own ??= [];
    own.push([name, headers[name] as string]);
  }
  return own === undefined ? NO_HEADERS : Object.fromEntries(own);
}
