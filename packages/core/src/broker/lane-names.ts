/** Priorities of messages, from the first lane of a queue to the last. */
export const PRIORITIES = ['high', 'normal', 'low'] as const;

/** Priority of a message, if its task has `priorities`. */
export type Priority = (typeof PRIORITIES)[number];

const LANE = /^(.+)\.prio\.(high|low)$/s;

/** The queue that holds the messages of one priority: `emails.prio.high`, `emails`, `emails.prio.low`. */
export function laneName(queue: string, priority: Priority): string {
  return priority === 'normal' ? queue : `${queue}.prio.${priority}`;
}

/** The three lanes of a queue, in the order of `PRIORITIES`. */
export function laneNames(queue: string): readonly [high: string, normal: string, low: string] {
  return [laneName(queue, 'high'), queue, laneName(queue, 'low')];
}

/** The queue and priority of a lane: `emails.prio.high` → `emails`, `high`. Any other queue is its own normal lane. */
export function readLane(name: string): { readonly queue: string; readonly priority: Priority } {
  const [, queue, priority] = LANE.exec(name) ?? [];
  return queue === undefined ? { queue: name, priority: 'normal' } : { queue, priority: priority as Priority };
}
