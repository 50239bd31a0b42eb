import type { Broker } from './broker.ts';
import type { StorePart } from './store.ts';

/** Something that an application may need, and that some brokers cannot do. `initialize({ requires })` takes the names. */
export interface Feature {
  /** What it is, for a table: one short sentence without a full stop. */
  readonly description: string;
  /** Whether `broker` can do it. Stores that are configured beside the broker are not looked at. */
  readonly isIn: (broker: Broker) => boolean;
  /** The part of another store that can do it for the broker. */
  readonly part?: StorePart;
  /** What to do if the broker cannot do it. */
  readonly remedy: string;
}

const ANOTHER_BROKER = 'use a broker that can, such as redis://';

/** Every feature by its name, in the order of the table in docs/brokers.md. */
export const FEATURES = {
  persistence: {
    description: 'messages survive a restart of the server and of every process',
    isIn: ({ capabilities }) => capabilities.persistent,
    remedy: 'use a broker that stores messages on a server, such as redis:// or amqp://',
  },
  order: {
    description: 'ready messages are delivered first in, first out',
    isIn: ({ capabilities }) => capabilities.ordered,
    remedy: ANOTHER_BROKER,
  },
  delay: {
    description: 'delays, retries and schedules',
    isIn: ({ capabilities }) => capabilities.maxDelayMs > 0,
    remedy: ANOTHER_BROKER,
  },
  idempotency: {
    description: 'sends with the same `idempotencyKey` are one message',
    isIn: ({ capabilities }) => capabilities.idempotency,
    remedy: 'use a broker that can, such as redis://, or make the tasks idempotent by keys of their own',
  },
  results: {
    description: 'results of tasks, for `handle.result()`',
    isIn: ({ results }) => results !== undefined,
    part: 'results',
    remedy: 'set TASK_RESULT_URL to a store that keeps them, such as redis://',
  },
  steps: {
    description: 'finished steps of a task are kept over retries and crashes',
    isIn: ({ records }) => records !== undefined,
    part: 'records',
    remedy: 'set TASK_STORE_URL to a store that keeps them, such as redis://',
  },
  cancel: {
    description: 'waiting messages are cancelled by their ids',
    isIn: ({ messages }) => messages !== undefined,
    remedy: ANOTHER_BROKER,
  },
  collapse: {
    description: 'unique, throttled and debounced sends',
    isIn: ({ capabilities, records }) => capabilities.collapse === true || records !== undefined,
    part: 'records',
    remedy: 'set TASK_STORE_URL to a store, such as redis://',
  },
  'cancel-running': {
    description: 'running tasks are cancelled in any process',
    isIn: ({ signals }) => signals !== undefined,
    remedy: ANOTHER_BROKER,
  },
  pause: {
    description: 'queues are paused, and stay paused over restarts',
    isIn: ({ states }) => states !== undefined,
    remedy: ANOTHER_BROKER,
  },
  limits: {
    description: 'limits of rate and concurrency over all workers',
    isIn: ({ limits }) => limits !== undefined,
    part: 'limits',
    remedy: 'set TASK_STORE_URL to a store that counts permits, such as redis://',
  },
  inspect: {
    description: 'queues and dead letters can be listed',
    isIn: ({ inspector }) => inspector !== undefined,
    remedy: ANOTHER_BROKER,
  },
  counts: {
    description: 'every count of a queue is exact',
    isIn: ({ capabilities }) => capabilities.counts === 'exact',
    remedy: ANOTHER_BROKER,
  },
  workers: {
    description: 'living workers of every host can be listed',
    isIn: ({ workers }) => workers !== undefined,
    remedy: ANOTHER_BROKER,
  },
} as const satisfies Readonly<Record<string, Feature>>;

/** Name of a feature, as `initialize({ requires })` takes it. */
export type FeatureName = keyof typeof FEATURES;

/** Names of all features, in the order of the table in docs/brokers.md. */
export const FEATURE_NAMES = Object.keys(FEATURES) as readonly FeatureName[];

/** The features that `broker` has, by name, for tables and `brokkr doctor`. Stores beside the broker do not count. */
export function featuresOf(broker: Broker): Readonly<Record<FeatureName, boolean>> {
  return Object.fromEntries(Object.entries(FEATURES).map(([name, { isIn }]) => [name, isIn(broker)])) as Readonly<
    Record<FeatureName, boolean>
  >;
}
