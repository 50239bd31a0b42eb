import type { Connection } from '../connection/connection.ts';
import { LEVELS, stepsOf } from '../topology/delay-ladder.ts';
import type { Names } from '../topology/names.ts';
import { findRoutedKeys } from './find-routed-keys.ts';

/**
 * Returns the rungs of a queue's ladder that exist, shortest waits first. Each rung has bound its name to an exchange
 * whose queue keeps nothing.
 */
export async function findRungs(publishing: Connection, names: Names, queue: string): Promise<readonly string[]> {
  const candidates = LEVELS.flatMap((level) =>
    Array.from({ length: stepsOf(level) - 1 }, (_, index) => ({
      key: names.rungKey(queue, level, index + 1),
      rung: names.rung(queue, level, index + 1),
    })),
  );
  const found = await findRoutedKeys(
    publishing,
    names.rungs,
    candidates.map(({ key }) => key),
  );
  return candidates.filter(({ key }) => found.has(key)).map(({ rung }) => rung);
}
