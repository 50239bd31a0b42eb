import type { LivingWorker } from '@brokkr/core/adapter';
import { withBroker } from '../app/open-broker.ts';
import { printJson } from '../output.ts';
import { Frames } from '../terminal/frames.ts';
import { span } from '../terminal/spans.ts';
import { table } from '../terminal/table.ts';
import { watch } from '../terminal/watch.ts';

export interface WorkersOptions {
  readonly broker?: string;
  readonly json: boolean;
  readonly watch: boolean;
}

const HEAD = ['worker', 'state', 'queues', 'running', 'succeeded', 'failed', 'memory', 'up', 'reported'];

/** Lists the living workers of every host; with `watch` every second, until a signal stops it or no program reads the output. */
export async function workersCommand({ broker: url, json, watch: watches }: WorkersOptions): Promise<void> {
  const frames = new Frames();
  let shown = '';
  await withBroker(url, 'brokkr workers', async ({ manager }) => {
    const look = async () => {
      const workers = await manager.workers();
      if (json) return printJson(workers);
      shown = asTable(workers, Date.now());
      frames.show(shown);
    };
    const onError = (reason: string) => {
      if (json) process.stderr.write(`error: ${reason}\n`);
      else frames.show(shown, `trying again: ${reason}`);
    };
    await (watches ? watch(look, onError) : look());
  });
}

function asTable(workers: readonly LivingWorker[], now: number): string {
  if (workers.length === 0) return 'no worker has reported in the last 30 s';
  const rows = workers.map(({ id, state, queues, paused, concurrency, runningCount, totals, rssBytes, ...worker }) => [
    id,
    state,
    Object.entries(queues)
      .map(
        ([queue, weight]) => `${queue}${weight === 1 ? '' : `:${weight}`}${paused.includes(queue) ? ' (paused)' : ''}`,
      )
      .join(', '),
    `${runningCount}/${concurrency}`,
    totals.reduce((sum, { succeeded }) => sum + succeeded, 0),
    totals.reduce((sum, { retried, dead }) => sum + retried + dead, 0),
    `${Math.round(rssBytes / 1_048_576)} MB`,
    span(now - worker.startedAt),
    `${span(worker.ageMs)} ago`,
  ]);
  return table(HEAD, rows);
}
