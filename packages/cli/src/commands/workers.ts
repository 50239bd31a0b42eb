import { type LivingWorker, silentAfterMs } from '@brokkr/core/adapter';
import { withBroker } from '../app/open-broker.ts';
import { printJson } from '../output.ts';
import { Frames } from '../terminal/frames.ts';
import { span } from '../terminal/spans.ts';
import { suspectLine } from './suspect-line.ts';
import { table } from '../terminal/table.ts';
import { watch } from '../terminal/watch.ts';

export interface WorkersOptions {
  readonly broker?: string;
  readonly json: boolean;
  readonly watch: boolean;
  /** List the tasks that run, instead of the workers. */
  readonly running?: boolean;
}

const HEAD = ['worker', 'state', 'queues', 'running', 'succeeded', 'failed', 'memory', 'up', 'reported'];

/** Lists the living workers of every host, or the tasks that they run; with `watch` every second, until a signal stops it or no program reads the output. */
export async function workersCommand({ broker: url, json, watch: watches, running }: WorkersOptions): Promise<void> {
  const frames = new Frames();
  let shown = '';
  await withBroker(url, 'brokkr workers', async ({ manager }) => {
    const look = async () => {
      const workers = await manager.workers();
      if (json) return printJson(running === true ? runningTasks(workers) : workers);
      shown = running === true ? asRunTable(workers, Date.now()) : asTable(workers, Date.now());
      frames.show(shown);
    };
    const onError = (reason: string) => {
      if (json) process.stderr.write(`error: ${reason}\n`);
      else frames.show(shown, `trying again: ${reason}`);
    };
    await (watches ? watch(look, onError) : look());
  });
}

/** The running tasks that workers reported, the oldest first: at most 100 of each worker. */
function runningTasks(workers: readonly LivingWorker[]) {
  const tasks = workers.flatMap(({ id: worker, ageMs, running }) =>
    running.map((task) => ({ ...task, worker, ageMs: Math.round(ageMs) })),
  );
  return tasks.sort((one, other) => one.startedAt - other.startedAt);
}

/** The table of running tasks. Below it, the workers that have been silent: what they run now may differ. */
export function asRunTable(workers: readonly LivingWorker[], now: number): string {
  const tasks = runningTasks(workers);
  const count = workers.reduce((sum, { runningCount }) => sum + runningCount, 0);
  const silentMs = silentAfterMs(workers.length);
  const silent = workers.filter(({ ageMs }) => ageMs > silentMs).map(silentLine);
  if (tasks.length === 0) {
    const none = count === 0 ? 'no task runs' : `${count} tasks run; no worker names them`;
    return [none, ...silent].join('\n');
  }
  const rows = tasks.map(({ id, task, queue, attempt, startedAt, worker, ageMs }) => [
    id,
    task,
    queue,
    attempt,
    span(now - startedAt),
    worker,
    `${span(ageMs)} ago`,
  ]);
  const lines = [table(['id', 'task', 'queue', 'attempt', 'runs for', 'worker', 'reported'], rows)];
  if (count > tasks.length) lines.push(`… ${count - tasks.length} more: a worker names at most 100`);
  return [...lines, ...silent].join('\n');
}

function silentLine({ id, ageMs }: LivingWorker): string {
  return `${id} has reported nothing for ${span(ageMs)}: its event loop is blocked, or it lost the broker; what it runs now may differ`;
}

/** The table of workers. Below it, the suspects for which messages wait. */
export function asTable(workers: readonly LivingWorker[], now: number): string {
  if (workers.length === 0) return 'no worker has reported in the last 30 s';
  const silentMs = silentAfterMs(workers.length);
  const rows = workers.map(({ id, state, queues, paused, concurrency, runningCount, totals, rssBytes, ...worker }) => [
    id,
    `${state}${worker.suspect === undefined ? '' : ', suspect'}${worker.ageMs > silentMs ? ', silent' : ''}`,
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
  const suspects = workers.flatMap(({ id, suspect }) => (suspect === undefined ? [] : suspectLine(id, suspect, now)));
  return [table(HEAD, rows), ...suspects].join('\n');
}
