import { type ErrorRecord, errorRecord } from '../errors/error-record.ts';

/** What stands in a result store. */
export type ResultRecord =
  | { readonly kind: 'value'; readonly value?: unknown }
  /** The task succeeded, and returned what JSON cannot hold. */
  | { readonly kind: 'unserializable'; readonly reason: string }
  | { readonly kind: 'error'; readonly error: ErrorRecord };

/** The bytes to keep for a result; whatever the handler returned, it does not throw. */
export function encodeResult(value: unknown, maxBytes: number): Uint8Array {
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

export function encodeFailure(error: unknown): Uint8Array {
  return encode({ kind: 'error', error: errorRecord(error) });
}

export function decodeResult(bytes: Uint8Array): ResultRecord {
  return JSON.parse(Buffer.from(bytes).toString()) as ResultRecord;
}

function encode(record: ResultRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record));
}
