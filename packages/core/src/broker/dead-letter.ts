import type { Envelope } from './envelope.ts';
import { ATTEMPT_HEADER, HISTORY_HEADER, LATER_HEADER, PARKED_HEADER, REASON_HEADER } from './headers.ts';

const SUFFIX = '.dead';

/** Where the dead letters of `queue` stand: `emails` → `emails.dead`. */
export function deadLetterQueue(queue: string): string {
  return queue + SUFFIX;
}

/** The envelope as it goes among the dead letters: body as received, `reason` in a header, no times left. */
export function deadLetterEnvelope(envelope: Envelope, reason: string): Envelope {
  return {
    id: envelope.id,
    queue: deadLetterQueue(envelope.queue),
    body: envelope.body,
    headers: { ...envelope.headers, [REASON_HEADER]: reason },
  };
}

const FORGOTTEN_ON_REDRIVE = new Set([ATTEMPT_HEADER, HISTORY_HEADER, LATER_HEADER, REASON_HEADER, PARKED_HEADER]);

/** A dead letter as it goes back into `queue`: same id and body, fresh attempts, due at once. */
export function redriveEnvelope(dead: Envelope, queue: string): Envelope {
  const headers = Object.fromEntries(Object.entries(dead.headers).filter(([name]) => !FORGOTTEN_ON_REDRIVE.has(name)));
  return { id: dead.id, queue, body: dead.body, headers };
}
