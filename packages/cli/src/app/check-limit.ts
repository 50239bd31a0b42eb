import type { LimitStore } from '@brokkr/core/adapter';
import { UsageError } from '../exit.ts';
import type { OpenedBroker } from './open-broker.ts';
import { unknownName } from './unknown-name.ts';

/** Keys of limits that a store lists at most. */
const MOST_LISTED = 500;

/**
 * Checks that a limit exists: its keys were used lately, a rule was set for it, or the application defines it. Every name is
 * accepted if there is no application and the store does not list all limits that were used.
 *
 * @param ofApplication reads the names of the limits that the application defines, only if they are needed
 * @throws UsageError naming the limit, and the name that is most like it
 */
export async function checkLimit(
  { adapter, manager }: Pick<OpenedBroker, 'adapter' | 'manager'>,
  store: Pick<LimitStore, 'usage'>,
  name: string,
  ofApplication: () => Promise<readonly string[]>,
): Promise<void> {
  const usage = await store.usage();
  const used = usage.map(({ limit }) => limit);
  if (used.includes(name) || (await manager.limits().setOptions(name)) !== undefined) return;
  const defined = await ofApplication();
  if (defined.includes(name)) return;
  const known = [...new Set([...defined, ...used])];
  if (defined.length === 0 && (used.length === 0 || used.length >= MOST_LISTED)) return;
  const advice = defined.length === 0 ? ' (if an application defines it, give --app)' : '';
  throw new UsageError(`${unknownName(adapter, 'limit', name, known)}${advice}`);
}
