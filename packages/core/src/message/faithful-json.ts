import { SerializationError } from '../errors/errors.ts';

/** Deepest nesting of a payload. Senders and workers refuse deeper ones. */
export const MAX_DEPTH = 64;

const STEPS_TOLD = 5;

export interface FaithfulOptions {
  /** Accepts objects with a `toJSON` method: a schema converts them back. @default false */
  readonly allowToJson?: boolean;
}

/** A value that JSON cannot carry. Its path is listed from the inside out: valid payloads build no strings. */
interface Fault {
  readonly path: string[];
  readonly what: string;
  readonly advice: string;
  readonly code?: string;
}

/**
 * Checks that JSON carries an argument so that the receiver gets an equal one. Plain objects, arrays, strings, finite
 * numbers, booleans and null are accepted. Fields of objects that are `undefined` are left out, as JSON does.
 * @param index index of the argument, for the error
 * @throws SerializationError (`PAYLOAD_UNSERIALIZABLE`, `PAYLOAD_TOO_DEEP`) with the path of the value
 */
export function assertFaithful(value: unknown, index: number, options: FaithfulOptions = {}): void {
  let fault: Fault | undefined;
  try {
    fault = findFault(value, 1, options.allowToJson === true);
  } catch (cause) {
    const path = `args[${index}]`;
    throw new SerializationError(`${path}: reading it threw an error; send plain data`, { path, cause });
  }
  if (fault === undefined) return;
  const at = `args[${index}]${pathOf(fault)}`;
  throw new SerializationError(`${at}: JSON cannot carry ${fault.what}; ${fault.advice}`, {
    path: at,
    code: fault.code,
  });
}

function findFault(value: unknown, depth: number, allowToJson: boolean): Fault | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      return Number.isFinite(value) ? undefined : fault(String(value), 'send a finite number or null');
    case 'object':
      return value === null ? undefined : findObjectFault(value, depth, allowToJson);
    case 'undefined':
      return fault('undefined', 'send null, or leave it out at the end');
    default:
      return fault(`a ${typeof value}`, 'send a string or a number instead');
  }
}

function findObjectFault(value: object, depth: number, allowToJson: boolean): Fault | undefined {
  // The depth limit ends a cycle, so valid payloads need no set of visited objects.
  if (depth > MAX_DEPTH) {
    return {
      path: [],
      what: `more than ${MAX_DEPTH} levels, or a cycle`,
      advice: 'send a flatter value or a reference to it',
      code: 'PAYLOAD_TOO_DEEP',
    };
  }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const inside = findFault(value[index], depth + 1, allowToJson);
      if (inside !== undefined) return within(`[${index}]`, inside);
    }
    return undefined;
  }
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    return allowToJson
      ? undefined
      : fault(className(value), 'it would arrive as something else; send the value of its toJSON, or add a schema');
  }
  if (!isPlain(value)) return fault(className(value), 'send a plain object');
  // A loop without a list of keys. Properties that a program added to Object.prototype are not sent, and therefore not
  // checked.
  for (const key in value) {
    const field = (value as Record<string, unknown>)[key];
    const inside = field === undefined ? undefined : findFault(field, depth + 1, allowToJson);
    if (inside !== undefined && Object.hasOwn(value, key)) return within(segment(key), inside);
  }
  return undefined;
}

/** Object literals, also those of another realm (a vm context, a test runner), and objects without a prototype. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf');
}

function segment(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key.slice(0, 60))}]`;
}

function className(value: object): string {
  const name: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name;
  return `an object of class ${typeof name === 'string' && name !== '' ? name.slice(0, 60) : '(none)'}`;
}

function fault(what: string, advice: string): Fault {
  return { path: [], what, advice };
}

function within(outer: string, inner: Fault): Fault {
  inner.path.push(outer);
  return inner;
}

/** For a cycle, or a payload that is too deep, only the first steps are shown. */
function pathOf({ path, code }: Fault): string {
  const segments = path.toReversed();
  return code === 'PAYLOAD_TOO_DEEP' ? `${segments.slice(0, STEPS_TOLD).join('')}…` : segments.join('');
}
