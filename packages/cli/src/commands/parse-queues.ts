import type { TaskManager } from '@brokkr/core';
import { queuesOf } from '../app/queues-of.ts';
import { UsageError } from '../exit.ts';

/** Name that means every queue of the application's tasks. */
const ALL = 'all';

/**
 * Reads `emails:3,default` as weights by name. A queue without a weight gets 1. `all` adds every queue of the
 * application's tasks that is not named.
 *
 * @throws UsageError if a name is empty, or a weight is not a number above 0
 */
export function parseQueues(text: string, manager: TaskManager): Readonly<Record<string, number>> {
  const weights = new Map<string, number>();
  for (const part of text.split(',')) {
    const [, name, weight] = /^([^:]+)(?::(\d+(?:\.\d+)?))?$/.exec(part.trim()) ?? [];
    if (name === undefined || Number(weight ?? 1) === 0 || (name === ALL && weight !== undefined)) {
      throw new UsageError(
        `-q ${JSON.stringify(text)}: give names separated by commas, each with an optional weight above 0, as in emails:3,default; or all`,
      );
    }
    weights.set(name, Number(weight ?? 1));
  }
  if (weights.delete(ALL)) {
    for (const queue of queuesOf(manager)) if (!weights.has(queue)) weights.set(queue, 1);
  }
  return Object.fromEntries(weights);
}
