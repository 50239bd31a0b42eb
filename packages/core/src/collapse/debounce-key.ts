import type { Collapse } from '../broker/collapse.ts';
import type { Envelope } from '../broker/envelope.ts';
import { DEBOUNCE_HEADER, REDRIVEN_HEADER } from '../broker/headers.ts';
import type { Settlement } from '../broker/settlement.ts';

const DIGEST = '[0-9a-f]{64}';
const HEADER = new RegExp(`^(\\d{1,15}),(\\d{0,15}),(${DIGEST})$`);
/** Keys of debounced messages are not those of unique ones. */
const PREFIX = 'debounce#';

/** The key of a debounced message that the broker joins with others. */
export interface DebounceKey {
  readonly digest: string;
  readonly ttlMs: number;
  readonly maxWaitMs: number | undefined;
}

/** How the broker joins a message with a debounced key. */
export function debounced({ digest, ttlMs, maxWaitMs }: DebounceKey): Collapse {
  return { key: PREFIX + digest, mode: 'debounce', ttlMs, maxWaitMs };
}

/** The envelope of a debounced message. A header has its key, until the message has run. */
export function withDebounceKey(envelope: Envelope, key: DebounceKey): Envelope {
  const value = `${Math.ceil(key.ttlMs)},${key.maxWaitMs === undefined ? '' : Math.ceil(key.maxWaitMs)},${key.digest}`;
  return { ...envelope, headers: { ...envelope.headers, [DEBOUNCE_HEADER]: value }, collapse: debounced(key) };
}

/**
 * The settlement, so that a debounced message that has not run yet can still be replaced while it is delayed, such as by a
 * limit. If a later message of its key was stored since, the broker removes this one: it would run after the later one.
 * Called for each settlement.
 */
export function keepingKey(settlement: Settlement): Settlement {
  if (settlement.kind !== 'retry') return settlement;
  const { headers } = settlement.replacement;
  const header = headers[DEBOUNCE_HEADER];
  // A redrive is asked for by an operator: the message runs, also if later ones have run since.
  if (header === undefined || REDRIVEN_HEADER in headers) return settlement;
  // Any program may write the header.
  const [, ttlMs, maxWaitMs, digest] = HEADER.exec(header) ?? [];
  if (digest === undefined) return settlement;
  const key = { digest, ttlMs: Number(ttlMs), maxWaitMs: maxWaitMs === '' ? undefined : Number(maxWaitMs) };
  return { ...settlement, replacement: { ...settlement.replacement, collapse: debounced(key) } };
}

/** The headers of a message that has run, or goes to another broker: it can no longer be replaced. */
export function withoutDebounceKey(headers: Envelope['headers']): Envelope['headers'] {
  if (!(DEBOUNCE_HEADER in headers)) return headers;
  const { [DEBOUNCE_HEADER]: _, ...others } = headers;
  return others;
}
