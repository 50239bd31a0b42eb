import type { Envelope } from './envelope.ts';
import {
  ATTEMPT_HEADER,
  DEAD_AT_HEADER,
  DEAD_BY_HEADER,
  DEAD_CRASHES_HEADER,
  HISTORY_HEADER,
  LAST_HISTORY_HEADER,
  LAST_REASON_HEADER,
  LATER_HEADER,
  UNKNOWN_HEADER,
  REASON_HEADER,
  REDRIVEN_HEADER,
} from './headers.ts';
import { lastHistory } from './last-history.ts';

const SUFFIX = '.dead';
const LONGEST_REASON = 500;

/** When a message died, and in which worker. */
export interface Death {
  /** Epoch milliseconds by the worker's clock. */
  readonly at: number;
  /** Id of the worker. */
  readonly by: string;
  /** Crashes that the message was in. */
  readonly crashes?: number | undefined;
}

/**
 * The queue of the dead letters of `queue`: `emails` → `emails.dead`. On Redis it is a name only: the letters are stored
 * with their queue.
 */
export function deadLetterQueue(queue: string): string {
  return queue + SUFFIX;
}

/**
 * The envelope of a dead letter: body as received, `reason` and `death` in headers, neither `notBefore` nor `expiresAt`.
 * It keeps its idempotency key, which is freed when the letter is discarded.
 */
export function deadLetterEnvelope(envelope: Envelope, reason: string, death?: Death): Envelope {
  return {
    id: envelope.id,
    queue: deadLetterQueue(envelope.queue),
    body: envelope.body,
    headers: {
      ...envelope.headers,
      [REASON_HEADER]: reason,
      ...(death !== undefined && { [DEAD_AT_HEADER]: String(death.at), [DEAD_BY_HEADER]: death.by }),
      ...(death?.crashes !== undefined && death.crashes > 0 && { [DEAD_CRASHES_HEADER]: String(death.crashes) }),
    },
    ...keyOf(envelope),
  };
}

const FORGOTTEN_ON_REDRIVE = new Set([
  ATTEMPT_HEADER,
  HISTORY_HEADER,
  LATER_HEADER,
  REASON_HEADER,
  UNKNOWN_HEADER,
  DEAD_AT_HEADER,
  DEAD_BY_HEADER,
  DEAD_CRASHES_HEADER,
]);

/**
 * Returns the envelope that puts a dead letter back into `queue`: same id and body, fresh attempts, due immediately.
 * Its reason and history move to other headers, with the number of redrives and the time of this one (`now`, epoch
 * milliseconds).
 */
export function redriveEnvelope(dead: Envelope, queue: string, now: number): Envelope {
  const headers = Object.fromEntries(Object.entries(dead.headers).filter(([name]) => !FORGOTTEN_ON_REDRIVE.has(name)));
  headers[REDRIVEN_HEADER] = `${(readRedriven(dead.headers[REDRIVEN_HEADER])?.count ?? 0) + 1} ${now}`;
  const reason = dead.headers[REASON_HEADER];
  if (reason !== undefined) headers[LAST_REASON_HEADER] = reason.slice(0, LONGEST_REASON);
  const history = lastHistory(dead.headers[HISTORY_HEADER]);
  if (history === undefined) delete headers[LAST_HISTORY_HEADER];
  else headers[LAST_HISTORY_HEADER] = history;
  return { id: dead.id, queue, body: dead.body, headers, ...keyOf(dead) };
}

/** How often a message was redriven, and when last (epoch milliseconds); `undefined` if the header is missing or invalid. */
export function readRedriven(header: string | undefined): { readonly count: number; readonly at: number } | undefined {
  const [, count, at] = /^(\d{1,9}) (\d{1,15})$/.exec(header ?? '') ?? [];
  return count === undefined || at === undefined ? undefined : { count: Number(count), at: Number(at) };
}

function keyOf({ idempotencyKey, idempotencyTtlMs }: Envelope): Pick<Envelope, 'idempotencyKey' | 'idempotencyTtlMs'> {
  return {
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...(idempotencyTtlMs !== undefined && { idempotencyTtlMs }),
  };
}
