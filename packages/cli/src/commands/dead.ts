import type { Envelope, Inspector } from '@brokkr/core/adapter';
import Table from 'cli-table3';
import { withBroker } from '../app/open-broker.ts';
import { UsageError } from '../exit.ts';
import { print, printable, printJson } from '../output.ts';

export interface DeadOptions {
  readonly broker?: string;
  readonly json?: boolean;
  readonly all?: boolean;
  readonly limit?: number;
}

const LISTED = 50;
const REASON_LENGTH = 100;

/** Lists dead letters, the oldest first. */
export async function deadListCommand(queue: string, { broker: url, json, limit }: DeadOptions): Promise<void> {
  await withBroker(url, 'brokkr dead list', async ({ inspector, core }) => {
    const letters = (await inspector.peek(queue, 'dead', limit ?? LISTED)).map(core.readDeadLetter);
    if (json === true) {
      printJson(letters, 2);
      return;
    }
    const table = new Table({ head: ['id', 'task', 'attempts', 'reason'], style: { head: [], border: [] } });
    for (const { id, task, attempts, reason } of letters) {
      table.push([printable(id), printable(task), attempts.length, printable(reason).slice(0, REASON_LENGTH)]);
    }
    print(table.toString());
  });
}

/** Prints dead letters in full, as JSON. */
export async function deadShowCommand(
  queue: string,
  ids: readonly string[],
  { broker: url }: DeadOptions,
): Promise<void> {
  await withBroker(url, 'brokkr dead show', async ({ inspector, core }) => {
    const shown = (await lettersOf(inspector, queue, ids)).map((letter) => ({
      ...core.readDeadLetter(letter),
      headers: letter.headers,
      body: Buffer.from(letter.body).toString(),
    }));
    printJson(shown, 2);
  });
}

/** Puts dead letters back into their queue with fresh attempts, and prints their number. */
export async function deadRetryCommand(queue: string, ids: readonly string[], options: DeadOptions): Promise<void> {
  const selection = selected('retry', ids, options);
  await withBroker(options.broker, 'brokkr dead retry', async ({ inspector }) => {
    report(await inspector.redrive(queue, selection), queue, selection);
  });
}

/** Removes dead letters, and prints their number. */
export async function deadDiscardCommand(queue: string, ids: readonly string[], options: DeadOptions): Promise<void> {
  const selection = selected('discard', ids, options);
  await withBroker(options.broker, 'brokkr dead discard', async ({ inspector }) => {
    report(await inspector.discard(queue, selection), queue, selection);
  });
}

/** @throws UsageError naming the ids that are not dead letters of the queue */
async function lettersOf(inspector: Inspector, queue: string, ids: readonly string[]): Promise<readonly Envelope[]> {
  const letters = await inspector.peek(queue, 'dead', Number.MAX_SAFE_INTEGER);
  const found = new Set(letters.map(({ id }) => id));
  const missing = ids.filter((id) => !found.has(id));
  if (missing.length > 0) throw new UsageError(`no dead letter ${missing.join(', ')} in queue ${queue}`);
  const wanted = new Set(ids);
  return letters.filter(({ id }) => wanted.has(id));
}

/**
 * Prints how many dead letters were changed. Missing ids are not looked up before: on RabbitMQ a look hides the letters
 * from other commands while it lasts.
 *
 * @throws UsageError if there were fewer than ids
 */
function report(count: number, queue: string, selection: readonly string[] | 'all'): void {
  print(count);
  if (selection === 'all') return;
  const { size } = new Set(selection);
  if (count < size) {
    const missing = size - count;
    throw new UsageError(
      `${missing} of ${size} ids ${missing === 1 ? 'is not a dead letter' : 'are not dead letters'} of queue ${queue}`,
    );
  }
}

function selected(command: string, ids: readonly string[], { all }: DeadOptions): readonly string[] | 'all' {
  if (all !== true && ids.length === 0) throw new UsageError(`brokkr dead ${command}: give ids, or --all`);
  if (all !== true) return ids;
  if (ids.length === 0) return 'all';
  throw new UsageError(`brokkr dead ${command}: both ids and --all were given; leave out one of them`);
}
