import type { BrokerCapabilities } from '../broker/broker.ts';
import type { Envelope } from '../broker/envelope.ts';
import { withDebounceKey } from './debounce-key.ts';
import type { CollapseSettings } from './collapse-options.ts';
import { joinDigest } from './join-record.ts';

/** Separates task and key. It is not the separator of idempotency keys, and no task name contains it. */
const SEPARATOR = '#';

/** Whether the broker itself joins messages with this option; if not, a store does. */
export function canJoin({ option }: CollapseSettings, { collapse, idempotency }: BrokerCapabilities): boolean {
  return option === 'throttle' ? idempotency : collapse === true;
}

/** The key of a message, of its task. */
export function collapseKey(task: string, { key }: CollapseSettings): string {
  return `${task}${SEPARATOR}${key}`;
}

/**
 * The envelope of a message that the broker joins with others.
 * @param ttlMs how long the key of a unique or debounced message is remembered after it is due, in milliseconds
 */
export function collapsedEnvelope(
  envelope: Envelope,
  task: string,
  settings: CollapseSettings,
  ttlMs: number,
): Envelope {
  // Options do not share keys: a send that debounces never joins a unique message.
  const key = `${settings.option}${SEPARATOR}${collapseKey(task, settings)}`;
  switch (settings.option) {
    // The first of a window wins, also once it has ended: an idempotency key does the same.
    case 'throttle':
      return { ...envelope, idempotencyKey: key, idempotencyTtlMs: settings.windowMs };
    case 'unique':
      return { ...envelope, collapse: { key, mode: settings.isWaiting ? 'waiting' : 'unique', ttlMs } };
    case 'debounce': {
      // A header has the key too, so it is short and has no characters that a header cannot have.
      const digest = joinDigest('debounce', '', collapseKey(task, settings));
      return withDebounceKey(envelope, { digest, ttlMs, maxWaitMs: settings.maxWaitMs });
    }
  }
}
