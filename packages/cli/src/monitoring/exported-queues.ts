import { checkQueues } from '../app/check-queues.ts';
import type { OpenedBroker } from '../app/open-broker.ts';
import { UsageError } from '../exit.ts';
import { printable } from '../output.ts';

export interface ExportedQueuesOptions {
  readonly app?: string;
  /** Names, separated by commas; without them, all queues. */
  readonly queues?: string;
  readonly once: boolean;
}

/**
 * Reads and checks the names of the queues whose metrics to export. An exporter that runs on may start before the first
 * message: for it, an unknown queue is a warning, and the broker need not answer yet.
 *
 * @returns `undefined` for all queues
 * @throws UsageError naming the queue that is unknown, with `once`; ConfigError for a name that no queue may have
 */
export async function exportedQueues(
  opened: OpenedBroker,
  { app, queues, once }: ExportedQueuesOptions,
): Promise<readonly string[] | undefined> {
  const names = queues?.split(',').map((name) => name.trim());
  if (names === undefined) return undefined;
  for (const name of names) opened.adapter.checkQueueName(name);
  const checked = checkQueues(opened, names, app);
  if (once) await checked;
  else void checked.catch(warn);
  return names;
}

/** A broker that does not answer is reported by each scrape. */
function warn(error: unknown): void {
  if (!(error instanceof UsageError)) return;
  process.stderr.write(`warning: ${printable(error.message)}; its metrics are 0 until it gets a message\n`);
}
