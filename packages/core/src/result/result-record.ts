import { type ErrorRecord, errorRecord } from '../errors/error-record.ts';

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

export function decodeResult(bytes: Uint8Array): ResultRecord {
  return JSON.parse(Buffer.from(bytes).toString()) as ResultRecord;
}

function encode(record: ResultRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record));
}
