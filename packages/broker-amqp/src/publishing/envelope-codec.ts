import { randomUUID } from 'node:crypto';
import type { Envelope } from '@brokkr/core/adapter';
import type { Message, Options } from 'amqplib';

/** Data that is stored beside an envelope. All names begin with `x-brokkr-`, which no header of an envelope may use. */
export interface DeliveryMetadata {
  /** Number of deliveries so far. */
  readonly fence: number;
  readonly crashes: number;
  /** Remaining delay, if the delay is longer than the ladder. */
  readonly remainingDelayMs: number;
}

export const NEW: DeliveryMetadata = Object.freeze({ fence: 0, crashes: 0, remainingDelayMs: 0 });

const FENCE = 'x-brokkr-fence';
const CRASHES = 'x-brokkr-crashes';
const REMAINING = 'x-brokkr-remaining';
const EXPIRES = 'x-brokkr-expires';
const NOT_BEFORE = 'x-brokkr-not-before';
/** Headers whose names the protocol or the server treats specially (`CC` and `BCC` are addresses), as JSON. */
const OTHERS = 'x-brokkr-headers';
/**
 * Most headers that are read from a message. The core refuses a message with far fewer; another program may send any
 * number.
 */
const MOST_HEADERS = 1_000;
const PLAIN = /^(?!x-|b?cc$)[A-Za-z0-9.:-][A-Za-z0-9._:-]{0,119}$/i;

/**
 * Two headers that every message has are stored in the AMQP properties `type` and `timestamp`. With an empty table the
 * client has far less to do, because it makes a given table the prototype of its own (docs/performance.md).
 */
const TASK = 'brokkr-task';
const SENT_AT = 'brokkr-at';
/** Most bytes of a short string. */
const LONGEST_TYPE = 255;
/** A lower `timestamp` is in seconds, as the protocol specifies: another program has written it. */
const FIRST_INSTANT_MS = 100_000_000_000;
const INSTANT_MS = /^[1-9]\d{11,14}$/;

/** Headers are stored in the table unchanged, so that a person who looks at a queue can read them. */
export function encodeProperties(envelope: Envelope, metadata: DeliveryMetadata): Options.Publish {
  const properties: Options.Publish = { messageId: envelope.id, persistent: true, mandatory: true };
  const table: Record<string, string | number> = {};
  let others: Record<string, string> | undefined;
  const { headers, expiresAt, notBefore } = envelope;
  for (const name of Object.keys(headers)) {
    const value = headers[name] as string;
    if (name === TASK && Buffer.byteLength(value) <= LONGEST_TYPE) properties.type = value;
    else if (name === SENT_AT && INSTANT_MS.test(value)) properties.timestamp = Number(value);
    else if (PLAIN.test(name)) table[name] = value;
    else {
      others ??= Object.create(null) as Record<string, string>;
      others[name] = value;
    }
  }
  if (metadata.fence > 0) table[FENCE] = metadata.fence;
  if (metadata.crashes > 0) table[CRASHES] = metadata.crashes;
  if (metadata.remainingDelayMs > 0) table[REMAINING] = metadata.remainingDelayMs;
  if (expiresAt !== undefined) table[EXPIRES] = expiresAt;
  if (notBefore !== undefined) table[NOT_BEFORE] = notBefore;
  if (others !== undefined) table[OTHERS] = JSON.stringify(others);
  return Object.keys(table).length === 0 ? properties : { ...properties, headers: table };
}

export interface Decoded {
  /** The envelope without `notBefore`: the ladder has counted it down. */
  readonly envelope: Envelope;
  readonly metadata: DeliveryMetadata;
  /** The sender's `notBefore`: `Delivery.dueAt`, and needed to move the message to another broker before that time. */
  readonly notBefore: number | undefined;
}

/** Decodes any message, also one that Brokkr did not send. The core decides whether it is a task. */
export function decodeMessage({ properties, content }: Message, queue: string): Decoded {
  const table = (properties.headers ?? {}) as Readonly<Record<string, unknown>>;
  const headers = namedHeaders(properties);
  const names = Object.keys(table);
  for (const name of names.length > MOST_HEADERS ? names.slice(0, MOST_HEADERS) : names) {
    const value = table[name];
    if (name.startsWith('x-')) continue;
    if (typeof value === 'string') addHeader(headers, name, value);
    else if (typeof value === 'number' || typeof value === 'boolean') addHeader(headers, name, String(value));
  }
  if (table[OTHERS] !== undefined) {
    for (const [name, value] of readOthers(table[OTHERS])) addHeader(headers, name, value);
  }
  const expiresAt = count(table[EXPIRES]);
  const { messageId } = properties as { messageId?: unknown };
  const id = typeof messageId === 'string' && messageId !== '' ? messageId : randomUUID();
  // A copy: the client's buffer is part of the bytes that the socket read, and may be read again to return the message.
  const body = Buffer.from(content);
  return {
    envelope: expiresAt > 0 ? { id, queue, body, headers, expiresAt } : { id, queue, body, headers },
    metadata: {
      fence: count(table[FENCE]),
      crashes: count(table[CRASHES]),
      remainingDelayMs: count(table[REMAINING]),
    },
    notBefore: count(table[NOT_BEFORE]) || undefined,
  };
}

/** The headers that are stored in properties. */
function namedHeaders({ type, timestamp }: Message['properties']): Record<string, string> {
  const headers: Record<string, string> = {};
  if (typeof type === 'string') headers[TASK] = type;
  const sentAt = count(timestamp);
  if (sentAt > 0) headers[SENT_AT] = String(sentAt < FIRST_INSTANT_MS ? sentAt * 1_000 : sentAt);
  return headers;
}

/**
 * Any program may choose header names: the one name that an assignment would treat as a prototype is defined instead.
 */
function addHeader(headers: Record<string, string>, name: string, value: string): void {
  if (name !== '__proto__') headers[name] = value;
  else Object.defineProperty(headers, name, { value, enumerable: true, configurable: true, writable: true });
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

function readOthers(json: unknown): [string, string][] {
  try {
    const others: unknown = JSON.parse(String(json));
    if (typeof others !== 'object' || others === null) return [];
    return Object.entries(others).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  } catch {
    return [];
  }
}
