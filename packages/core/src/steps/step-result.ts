import { errorLine, errorRecord } from '../errors/error-record.ts';
import { SerializationError } from '../errors/errors.ts';

const NOTHING = new Uint8Array();

/**
 * Encodes the result of a step as JSON; a result that JSON leaves out, such as `undefined`, as no bytes.
 * @param of task and step, for the error
 * @throws SerializationError (`STEP_UNSERIALIZABLE`) if JSON cannot hold it
 */
export function encodeStep(value: unknown, of: string): Uint8Array {
  let json: string | undefined;
  try {
    json = JSON.stringify(value) as string | undefined;
  } catch (cause) {
    throw new SerializationError(
      `${of}: JSON cannot hold its result (${errorLine(errorRecord(cause))}); return plain data, or nothing`,
      { path: 'result', code: 'STEP_UNSERIALIZABLE', cause },
    );
  }
  return json === undefined ? NOTHING : Buffer.from(json);
}

/**
 * Decodes a stored result.
 * @param of task and step, for the error
 * @throws SerializationError (`STEP_UNREADABLE`) if it is not JSON: another program wrote to the store
 */
export function decodeStep(bytes: Uint8Array, of: string): unknown {
  if (bytes.byteLength === 0) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()) as unknown;
  } catch (cause) {
    throw new SerializationError(
      `${of}: the stored result is not JSON; check which other program writes to the store`,
      { path: 'result', code: 'STEP_UNREADABLE', cause },
    );
  }
}
