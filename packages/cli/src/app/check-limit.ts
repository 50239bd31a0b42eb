import type { LimitStore } from '@brokkr/core/adapter';
import { UsageError } from '../exit.ts';
import type { OpenedBroker } from './open-broker.ts';
import { unknownName } from './unknown-name.ts';

/** Keys of limits that a store lists at most. */
const MOST_LISTED = 500;

/** Prefix of the name of a queue's limit. */
const OF_QUEUE = 'queue:';

/** Where names of limits and queues are looked up, only if they are needed. */
export interface LimitSources {
  /** Reads the names of the limits that the application defines. */
  readonly ofApplication: () => Promise<readonly string[]>;
  /** @throws UsageError if neither the application nor the broker knows the queue */
  readonly checkQueue: (queue: string) => Promise<void>;
}

/**
 * Checks that a limit exists: its keys were used lately, a rule was set for it, or the application defines it. If there is no
 * application, or it defines no limit, and the store does not list all limits that were used, every name is accepted; that of
 * a queue's limit if the queue exists.
 *
 * @returns whether the limit is known to exist
 * @throws UsageError naming the limit or the queue, and the name that is most like it
 */
export async function checkLimit(
  { adapter, manager }: Pick<OpenedBroker, 'adapter' | 'manager'>,
  store: Pick<LimitStore, 'usage'>,
  name: string,
  { ofApplication, checkQueue }: LimitSources,
): Promise<boolean> {
  const usage = await store.usage();
  const used = usage.map(({ limit }) => limit);
  if (used.includes(name) || (await manager.limits().setOptions(name)) !== undefined) return true;
  const defined = await ofApplication();
  if (defined.includes(name)) return true;
  const known = [...new Set([...defined, ...used])];
  if (defined.length === 0 && (used.length === 0 || used.length >= MOST_LISTED)) {
    if (name.startsWith(OF_QUEUE)) await checkQueue(name.slice(OF_QUEUE.length));
    return false;
  }
  const advice = defined.length === 0 ? ' (if an application defines it, give --app)' : '';
  throw new UsageError(`${unknownName(adapter, 'limit', name, known)}${advice}`);
}
