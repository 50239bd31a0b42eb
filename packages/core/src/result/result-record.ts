import { type ErrorRecord, errorRecord } from '../errors/error-record.ts';
import { SerializationError } from '../errors/errors.ts';

/** What stands in a result store. */
export type ResultRecord =
  | { readonly kind: 'value'; readonly value?: unknown }
  /** The task succeeded, and returned what JSON cannot hold. */
  | { readonly kind: 'unserializable'; readonly reason: string }
  | { readonly kind: 'error'; readonly error: ErrorRecord };

/** How a message ended, for whoever waits for its result. */
export type Ending = { readonly value: unknown } | { readonly error: unknown };

/** The bytes to keep of an ending; whatever it holds, it does not throw. */
export function encodeEnding(ending: Ending, maxBytes: number): Uint8Array {
  if ('value' in ending) return encodeValue(ending.value, maxBytes);
  return encode({ kind: 'error', error: errorRecord(ending.error) });
}

function encodeValue(value: unknown, maxBytes: number): Uint8Array {
  try {
    // JSON leaves out a field that is undefined, and that is how an absent result is stored.
    const bytes = Buffer.from(JSON.stringify({ kind: 'value', value }));
    if (bytes.byteLength <= maxBytes) return bytes;
    return encode({
      kind: 'unserializable',
      reason: `the result has ${bytes.byteLength} bytes, ${maxBytes} are allowed`,
    });
  } catch (error) {
    return encode({ kind: 'unserializable', reason: errorRecord(error).message });
  }
}

/**
 * @param of whose result it is, for the error
 * @throws SerializationError (`RESULT_UNREADABLE`) where no worker has written it
 */
export function decodeResult(bytes: Uint8Array, of: string): ResultRecord {
  try {
    const record: unknown = JSON.parse(Buffer.from(bytes).toString());
    if (isRecord(record)) return record;
  } catch (cause) {
    throw unreadable(of, cause);
  }
  throw unreadable(of);
}

function isRecord(given: unknown): given is ResultRecord {
  const { kind, reason, error } = (given ?? {}) as Readonly<Record<string, unknown>>;
  if (kind === 'value') return true;
  if (kind === 'unserializable') return typeof reason === 'string';
  return kind === 'error' && typeof error === 'object' && error !== null;
}

function unreadable(of: string, cause?: unknown): SerializationError {
  return new SerializationError(
    `${of}: what is stored as its result was written by no worker; see who else writes into the result store`,
    { path: 'result', code: 'RESULT_UNREADABLE', cause },
  );
}

function encode(record: ResultRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record));
}
