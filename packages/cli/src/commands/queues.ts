import { setTimeout as sleep } from 'node:timers/promises';
import type { QueueCounts } from '@brokkr/core/adapter';
import Table from 'cli-table3';
import { withBroker } from '../app/open-broker.ts';
import { queueNames } from '../app/queue-names.ts';
import { printable } from '../explain.ts';

export interface QueuesOptions {
  readonly app?: string;
  readonly broker?: string;
  readonly json: boolean;
  readonly watch: boolean;
}

const LOOK_EVERY_MS = 1_000;
const COLUMNS = ['ready', 'delayed', 'running', 'dead', 'acknowledged'] as const;

/** Lists the queues of the broker with their counts; with `watch` again and again until a signal ends it. */
export async function queuesCommand({ app, broker: url, json, watch }: QueuesOptions): Promise<void> {
  const ended = new AbortController();
  if (watch) process.once('SIGINT', () => ended.abort()).once('SIGTERM', () => ended.abort());
  await withBroker(url, 'brokkr queues', async (opened) => {
    do {
      const names = await queueNames(opened, app);
      const queues = await Promise.all(
        names.map(async (queue) => ({ queue, ...(await opened.inspector.counts(queue)) })),
      );
      if (json) console.log(JSON.stringify(queues));
      else console.log(asTable(queues));
      if (watch) await sleep(LOOK_EVERY_MS, undefined, { signal: ended.signal }).catch(() => undefined);
    } while (watch && !ended.signal.aborted);
  });
}

function asTable(queues: readonly (QueueCounts & { readonly queue: string })[]): string {
  const table = new Table({ head: ['queue', ...COLUMNS], style: { head: [], border: [] } });
  for (const counts of queues) {
    // A server that cannot tell a figure leaves it open.
    table.push([printable(counts.queue), ...COLUMNS.map((column) => counts[column] ?? '?')]);
  }
  return table.toString();
}
