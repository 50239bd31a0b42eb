import type { Inspector, QueueCounts, QueueReport } from './inspector.ts';
import { laneNames, PRIORITIES, type Priority, readLane } from './lane-names.ts';

/** Counts of a queue: the sums over its lanes, and those of each lane that was counted if it has several. */
export interface LaneCounts extends QueueCounts {
  readonly lanes?: Readonly<Partial<Record<Priority, QueueCounts>>> | undefined;
}

/**
 * The lanes of a queue that the broker knows, with `queue` itself.
 * @param hasPriorities whether a task of the queue is known to have `priorities`: then all three
 */
export async function knownLanes(
  inspector: Inspector,
  queue: string,
  hasPriorities: boolean,
): Promise<readonly string[]> {
  if (hasPriorities) return laneNames(queue);
  const listed = new Set(await inspector.queues());
  const lanes = laneNames(queue);
  return lanes.some((lane) => lane !== queue && listed.has(lane)) ? lanes : [queue];
}

/**
 * Joins the reports of lanes to one for each queue, in the order of the queues' first reports. A queue without other lanes
 * keeps its report.
 */
export function joinLanes<R extends QueueReport>(reports: readonly R[]): readonly (R & LaneCounts)[] {
  const byQueue = new Map<string, R[]>();
  for (const report of reports) {
    const { queue } = readLane(report.queue);
    byQueue.set(queue, [...(byQueue.get(queue) ?? []), report]);
  }
  return [...byQueue].map(([queue, lanes]) => {
    const [only] = lanes;
    if (lanes.length === 1 && only !== undefined && only.queue === queue) return only;
    const own = lanes.find((report) => report.queue === queue);
    return { ...(own ?? (only as R)), ...joined(queue, lanes) };
  });
}

const FIGURES = [
  'ready',
  'delayed',
  'running',
  'dead',
  'published',
  'acknowledged',
  'discarded',
  'purged',
  'cancelled',
  'expired',
  'consumers',
] as const satisfies readonly (keyof QueueCounts)[];

function joined(queue: string, lanes: readonly QueueReport[]): LaneCounts & Pick<QueueReport, 'queue' | 'error'> {
  const each = PRIORITIES.flatMap((priority) => {
    const report = lanes.find((lane) => readLane(lane.queue).priority === priority);
    return report === undefined ? [] : [[priority, countsIn(report)] as const];
  });
  const sums: { -readonly [F in keyof QueueCounts]: number } = {};
  for (const figure of FIGURES) {
    const known = lanes.map((lane) => lane[figure]);
    // A figure that is unknown for one lane is unknown for the queue.
    if (known.every((count) => count !== undefined)) sums[figure] = known.reduce((sum, count) => sum + count, 0);
    else sums[figure] = undefined as never;
  }
  const overdue = lanes.flatMap(({ overdueMs }) => overdueMs ?? []);
  if (overdue.length > 0) sums.overdueMs = Math.max(...overdue);
  const error = lanes.find((lane) => lane.error !== undefined)?.error;
  return { queue, ...sums, lanes: Object.fromEntries(each), ...(error !== undefined && { error }) };
}

function countsIn(report: QueueReport): QueueCounts {
  const counts: { -readonly [F in keyof QueueCounts]: number } = {};
  for (const figure of FIGURES) {
    const count = report[figure];
    if (count !== undefined) counts[figure] = count;
  }
  return counts;
}
