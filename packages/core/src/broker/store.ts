import type { BrokerParts } from './broker.ts';

/**
 * Parts that another store can add to a broker without them: `TASK_STORE_URL`, or `initialize({ store })`. Every broker is
 * a store; so is any object with one of the parts.
 */
export type Store = Pick<BrokerParts, 'records' | 'limits' | 'results'>;

/** Name of a part that a store can have. */
export type StorePart = keyof Store;
