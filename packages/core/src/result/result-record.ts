import { type ErrorRecord, errorRecord, knownError } from '../errors/error-record.ts';
import { SerializationError } from '../errors/errors.ts';

/** The form of a stored result. */
export type ResultRecord =
  | { readonly kind: 'value'; readonly value?: unknown }
  /** The task succeeded, and returned a value that JSON cannot hold. */
  | { readonly kind: 'unserializable'; readonly reason: string }
  | { readonly kind: 'error'; readonly error: ErrorRecord; readonly state: FailedState };

/** How a message ended that did not succeed. */
export type FailedState = 'dead' | 'cancelled' | 'expired';

/** How a message ended: with the value that its handler returned, or with an error. */
export type Ending = { readonly value: unknown } | { readonly error: unknown; readonly state: FailedState };

/** Encodes an ending for a result store. Never throws. @param maxBytes most bytes of a value */
export function encodeEnding(ending: Ending, maxBytes: number): Uint8Array {
  if ('value' in ending) return encodeValue(ending.value, maxBytes);
  return encode({ kind: 'error', error: errorRecord(ending.error), state: ending.state });
}

function encodeValue(value: unknown, maxBytes: number): Uint8Array {
  try {
    // JSON leaves out a field that is undefined: an absent value is stored this way.
    const bytes = Buffer.from(JSON.stringify({ kind: 'value', value }));
    if (bytes.byteLength <= maxBytes) return bytes;
    return encode({
      kind: 'unserializable',
      reason: `the result has ${bytes.byteLength} bytes, but at most ${maxBytes} are kept (TASK_MAX_PAYLOAD)`,
    });
  } catch (error) {
    return encode({ kind: 'unserializable', reason: errorRecord(error).message });
  }
}

/**
 * Decodes a stored result.
 * @param of task and message, for the error
 * @throws SerializationError (`RESULT_UNREADABLE`) if it is not in our format
 */
export function decodeResult(bytes: Uint8Array, of: string): ResultRecord {
  try {
    const record = recordIn(JSON.parse(Buffer.from(bytes).toString()));
    if (record !== undefined) return record;
  } catch (cause) {
    throw unreadable(of, cause);
  }
  throw unreadable(of);
}

/** Any program may write into a result store: a record is rebuilt from the fields we know. */
function recordIn(given: unknown): ResultRecord | undefined {
  const { kind, value, reason, error, state } = (given ?? {}) as Readonly<Record<string, unknown>>;
  if (kind === 'value') return { kind, value };
  if (kind === 'unserializable') return typeof reason === 'string' ? { kind, reason } : undefined;
  const known = kind === 'error' ? knownError(error) : undefined;
  // Earlier versions stored no state.
  return known && { kind: 'error', error: known, state: state === 'cancelled' || state === 'expired' ? state : 'dead' };
}

function unreadable(of: string, cause?: unknown): SerializationError {
  return new SerializationError(
    `${of}: the stored result is not in Brokkr's format; check which other program writes to the result store`,
    { path: 'result', code: 'RESULT_UNREADABLE', cause },
  );
}

function encode(record: ResultRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record));
}
