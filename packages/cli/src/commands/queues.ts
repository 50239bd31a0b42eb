import { setTimeout as sleep } from 'node:timers/promises';
import Table from 'cli-table3';
import { withBroker } from '../app/open-broker.ts';
import { queueNames } from '../app/queue-names.ts';
import { type QueueReading, readCounts } from '../app/read-counts.ts';
import { EXIT } from '../exit.ts';
import { describe } from '../explain.ts';
import { outputClosed, print, printable, printJson } from '../output.ts';
import { StopRequests } from '../processes/stop-requests.ts';

export interface QueuesOptions {
  readonly app?: string;
  readonly broker?: string;
  readonly json: boolean;
  readonly watch: boolean;
}

const LOOK_EVERY_MS = 1_000;
const COLUMNS = ['ready', 'delayed', 'running', 'dead', 'acknowledged'] as const;

/**
 * Lists the queues of the broker with their counts; with `watch` every second, until it is stopped or no process reads
 * the output.
 *
 * @returns the exit code: 1 if a queue could not be read
 */
export async function queuesCommand({ app, broker: url, json, watch }: QueuesOptions): Promise<number> {
  const stopped = new AbortController();
  const requests = watch ? new StopRequests(() => stopped.abort()) : undefined;
  const ended = AbortSignal.any([stopped.signal, outputClosed]);
  let isSound = true;
  await withBroker(url, 'brokkr queues', async (opened) => {
    do {
      const readings = await readCounts(opened.inspector, await queueNames(opened, app));
      if (json) printJson(readings.map(asRecord));
      else print(asTable(readings));
      isSound = reportUnreadable(readings);
      if (watch) await sleep(LOOK_EVERY_MS, undefined, { signal: ended }).catch(() => undefined);
    } while (watch && !ended.aborted);
  });
  requests?.close();
  return isSound ? EXIT.fine : EXIT.failed;
}

/** Names the queues that could not be read. @returns whether there was none */
function reportUnreadable(readings: readonly QueueReading[]): boolean {
  const unreadable = readings.filter(({ error }) => error !== undefined);
  for (const { queue, error } of unreadable) {
    process.stderr.write(`error: ${printable(`queue ${queue}: ${describe(error as Error)}`)}\n`);
  }
  return unreadable.length === 0;
}

function asRecord({ queue, counts, error }: QueueReading): object {
  return error === undefined ? { queue, ...counts } : { queue, error: describe(error) };
}

/** A figure that the server does not know is `?`. */
function asTable(readings: readonly QueueReading[]): string {
  const table = new Table({ head: ['queue', ...COLUMNS], style: { head: [], border: [] } });
  for (const { queue, counts } of readings) {
    table.push([printable(queue), ...COLUMNS.map((column) => counts?.[column] ?? '?')]);
  }
  return table.toString();
}
