import type { Collapse } from '../broker/collapse.ts';
import type { Envelope } from '../broker/envelope.ts';
import { DEBOUNCE_HEADER, REDRIVEN_HEADER } from '../broker/headers.ts';
import type { Settlement } from '../broker/settlement.ts';

const DIGEST = '[0-9a-f]{64}';
const HEADER = new RegExp(`^(\\d{1,15}),(\\d{0,15}),(${DIGEST})(,ran)?$`);
/** Keys of debounced messages are not those of unique ones. */
const PREFIX = 'debounce#';
/** Ends the header of a message that has run. */
const RAN = ',ran';

/** The key of a debounced message that the broker joins with others. */
export interface DebounceKey {
  readonly digest: string;
  readonly ttlMs: number;
  readonly maxWaitMs: number | undefined;
  readonly hasRun?: true | undefined;
}

/** How the broker joins a message with a debounced key. */
export function debounced({ digest, ttlMs, maxWaitMs, hasRun }: DebounceKey): Collapse {
  return { key: PREFIX + digest, mode: 'debounce', ttlMs, maxWaitMs, hasRun };
}

/** The envelope of a debounced message. A header has its key. */
export function withDebounceKey(envelope: Envelope, key: DebounceKey): Envelope {
  const value = `${Math.ceil(key.ttlMs)},${key.maxWaitMs === undefined ? '' : Math.ceil(key.maxWaitMs)},${key.digest}`;
  return { ...envelope, headers: { ...envelope.headers, [DEBOUNCE_HEADER]: value }, collapse: debounced(key) };
}

/** The headers of a debounced message that has run. */
export function afterRun(headers: Envelope['headers']): Envelope['headers'] {
  const header = headers[DEBOUNCE_HEADER];
  return header === undefined || header.endsWith(RAN) ? headers : { ...headers, [DEBOUNCE_HEADER]: header + RAN };
}

/**
 * The settlement, so that a debounced message that comes back keeps its key. If it has not run it can be replaced while it is
 * delayed, such as by a limit. If a later message of its key was stored, the broker removes it: it would run after the later
 * one. Called for each settlement.
 */
export function keepingKey(settlement: Settlement): Settlement {
  const { kind } = settlement;
  if (kind !== 'retry' && kind !== 'release') return settlement;
  const envelope = kind === 'retry' ? settlement.replacement : settlement.delivery.envelope;
  const header = envelope.headers[DEBOUNCE_HEADER];
  // A redrive is asked for by an operator: the message runs, also if later ones have run since.
  if (header === undefined || REDRIVEN_HEADER in envelope.headers) return settlement;
  // Any program may write the header.
  const [, ttlMs, maxWaitMs, digest, ran] = HEADER.exec(header) ?? [];
  if (digest === undefined) return settlement;
  const collapse = debounced({
    digest,
    ttlMs: Number(ttlMs),
    maxWaitMs: maxWaitMs === '' ? undefined : Number(maxWaitMs),
    hasRun: ran === undefined ? undefined : true,
  });
  // A worker that stops gives it back: a later message may have run on another worker.
  return {
    kind: 'retry',
    delivery: settlement.delivery,
    replacement: { ...envelope, collapse },
  };
}

/** The headers of a message that goes to another broker: it can no longer be replaced. */
export function withoutDebounceKey(headers: Envelope['headers']): Envelope['headers'] {
  if (!(DEBOUNCE_HEADER in headers)) return headers;
  const { [DEBOUNCE_HEADER]: _, ...others } = headers;
  return others;
}
