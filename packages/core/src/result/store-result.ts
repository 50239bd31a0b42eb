import type { ResultStore } from '../broker/optional-brokers.ts';
import type { Middleware } from '../middleware/middleware.ts';
import { encodeResult } from './result-record.ts';

/** Keeps what the handler returned, before the message is acknowledged; a store that fails costs the result alone. */
export function storeResult(store: ResultStore, maxBytes: number): Middleware {
  return {
    name: 'store-result',
    async handle({ task, message, logger }, next) {
      const value = await next();
      if (task.resultTtlMs === undefined) return value;
      try {
        await store.storeResult(message.id, encodeResult(value, maxBytes), task.resultTtlMs);
      } catch (error) {
        logger.warn({ error }, 'the task succeeded, but its result could not be stored');
      }
      return value;
    },
  };
}
