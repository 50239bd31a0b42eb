import type { LaneCounts, QueueCounts, QueueReport } from '@brokkr/core/adapter';
import { checkQueues } from '../app/check-queues.ts';
import { type OpenedBroker, withBroker } from '../app/open-broker.ts';
import { canListQueues, queueNames } from '../app/queue-names.ts';
import { withLanes } from '../app/with-lanes.ts';
import { EXIT, UsageError } from '../exit.ts';
import { describe } from '../explain.ts';
import { printable, printJson } from '../output.ts';
import { Frames } from '../terminal/frames.ts';
import { table } from '../terminal/table.ts';
import { watch } from '../terminal/watch.ts';

export interface QueuesOptions {
  readonly app?: string;
  readonly broker?: string;
  readonly json: boolean;
  readonly watch: boolean;
}

const COLUMNS = ['ready', 'delayed', 'running', 'dead', 'acknowledged'] as const;

/** The counts of a queue and its lanes, its workers, and whether it is paused if the broker keeps pauses. */
interface QueueReading extends QueueReport, LaneCounts {
  /** `null`: it cannot be read. */
  readonly paused?: boolean | null;
  /** Consumers of the queue, as the server or the reports of workers count them. */
  readonly workers?: number;
}

/**
 * Lists queues with their counts: those named, or all. With `watch` every second, until a signal stops it or no program reads
 * the output.
 *
 * @returns the exit code: 1 if a queue could not be read
 */
export async function queuesCommand(names: readonly string[], options: QueuesOptions): Promise<number> {
  const { app, broker: url, json } = options;
  const frames = new Frames();
  let isSound = true;
  let shown = '';
  await withBroker(url, 'brokkr queues', async (opened) => {
    if (names.length > 0) await checkQueues(opened, names, app);
    const look = async () => {
      const { readings, pauseError } = await readQueues(
        opened,
        names.length > 0 ? await withLanes(opened, names) : await namesOf(opened, app),
      );
      isSound = pauseError === undefined && readings.every(({ error }) => error === undefined);
      if (json) printJson(readings.map(asRecord));
      else {
        shown = asTable(readings);
        frames.show(shown);
      }
      if (!isSound && (json || !options.watch)) reportUnreadable(readings, pauseError);
    };
    const onError = (reason: string) => {
      if (json) process.stderr.write(`error: ${reason}\n`);
      else frames.show(shown, `trying again: ${reason}`);
    };
    await (options.watch ? watch(look, onError) : look());
  });
  return isSound ? EXIT.fine : EXIT.failed;
}

async function namesOf(opened: OpenedBroker, app: string | undefined): Promise<readonly string[]> {
  const names = await queueNames(opened, app);
  if (names.length > 0 || canListQueues(opened)) return names;
  throw new UsageError(
    'this server cannot list its queues, and there is no application here whose tasks name them; give --app, or the queues: brokkr queues emails pdf',
  );
}

async function readQueues(
  { adapter, broker, inspector }: OpenedBroker,
  names: readonly string[],
): Promise<{ readonly readings: readonly QueueReading[]; readonly pauseError: Error | undefined }> {
  const queues = names.map((name) => adapter.readLane(name).queue);
  const [reports, paused] = await Promise.all([
    inspector.countsOf(names),
    broker.states && new adapter.PauseFlags(broker.states).tryPausedOf(queues),
  ]);
  const pauseError = paused instanceof Error ? paused : undefined;
  const joined = adapter.joinLanes(reports);
  const workers = await adapter.countWorkers(broker, joined);
  const readings = joined.map((report) => {
    const count = workers.get(report.queue);
    return {
      ...report,
      ...(count !== undefined && { workers: count }),
      ...(paused !== undefined && { paused: paused instanceof Error ? null : paused.has(report.queue) }),
    };
  });
  return { readings, pauseError };
}

/** Names the queues that could not be read, and why the pauses are unknown. */
function reportUnreadable(readings: readonly QueueReading[], pauseError: Error | undefined): void {
  if (pauseError !== undefined) {
    process.stderr.write(`error: ${printable(`the pauses of the queues are unknown: ${describe(pauseError)}`)}\n`);
  }
  for (const { queue, error } of readings) {
    if (error !== undefined) process.stderr.write(`error: ${unreadable(queue, error)}\n`);
  }
}

function unreadable(queue: string, error: Error): string {
  return printable(`queue ${queue}: ${describe(error)}`);
}

function asRecord({ error, ...reading }: QueueReading): object {
  return error === undefined ? reading : { queue: reading.queue, error: describe(error) };
}

function asTable(readings: readonly QueueReading[]): string {
  const showsState = readings.some(({ paused }) => paused !== false && paused !== undefined);
  const row = (name: string, counts: QueueCounts, workers: number | string | undefined, paused?: boolean | null) => [
    name,
    ...COLUMNS.map((column) => counts[column]),
    workers,
    ...(showsState ? [paused === null ? undefined : paused === true ? 'paused' : ''] : []),
  ];
  const rows = readings.flatMap((reading) => [
    row(reading.queue, reading, reading.workers, reading.paused),
    ...Object.entries(reading.lanes ?? {}).map(([priority, counts]) => row(`  ${priority}`, counts, '')),
  ]);
  const lines = [table(['queue', ...COLUMNS, 'workers', ...(showsState ? ['state'] : [])], rows)];
  const counted = readings.filter(({ error }) => error === undefined);
  const unknown = COLUMNS.filter((column) => counted.some((reading) => reading[column] === undefined));
  if (unknown.length > 0) lines.push(`? the server does not count: ${unknown.join(', ')}`);
  return lines.join('\n');
}
