import type { ResultStore } from '../broker/optional-brokers.ts';
import type { HandleContext } from '../middleware/middleware.ts';
import { encodeResult } from './result-record.ts';

/**
 * `handle`, whose result is kept before the message is acknowledged; a store that fails costs the result alone. Around
 * all middleware: what that makes of a result is the result.
 */
export function storingResult(
  store: ResultStore,
  ttlMs: number,
  maxBytes: number,
  handle: (context: HandleContext) => Promise<unknown>,
): (context: HandleContext) => Promise<unknown> {
  return async (context) => {
    const value = await handle(context);
    try {
      await store.storeResult(context.message.id, encodeResult(value, maxBytes), ttlMs);
    } catch (error) {
      context.logger.warn({ error }, 'the task succeeded, but its result could not be stored');
    }
    return value;
  };
}
