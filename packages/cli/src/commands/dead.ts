import type { Envelope, Inspector } from '@brokkr/core/adapter';
import Table from 'cli-table3';
import { withBroker } from '../app/open-broker.ts';
import { UsageError } from '../exit.ts';
import { printable } from '../explain.ts';

export interface DeadOptions {
  readonly broker?: string;
  readonly json?: boolean;
  readonly all?: boolean;
  readonly limit?: number;
}

const LISTED = 50;

/** Lists dead letters, the oldest first. */
export async function deadListCommand(queue: string, { broker: url, json, limit }: DeadOptions): Promise<void> {
  await withBroker(url, 'brokkr dead list', async ({ inspector, core }) => {
    const letters = (await inspector.peek(queue, 'dead', limit ?? LISTED)).map(core.readDeadLetter);
    if (json === true) {
      console.log(JSON.stringify(letters, null, 2));
      return;
    }
    const table = new Table({ head: ['id', 'task', 'attempts', 'reason'], style: { head: [], border: [] } });
    for (const { id, task, attempts, reason } of letters) {
      table.push([printable(id), printable(task), attempts.length, printable(reason).slice(0, 100)]);
    }
    console.log(table.toString());
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
    console.log(JSON.stringify(shown, null, 2));
  });
}

/** Puts dead letters back with fresh attempts; prints how many. */
export async function deadRetryCommand(queue: string, ids: readonly string[], options: DeadOptions): Promise<void> {
  const which = chosen('retry', ids, options);
  await withBroker(options.broker, 'brokkr dead retry', async ({ inspector }) => {
    tell(await inspector.redrive(queue, which), queue, which);
  });
}

/** Removes dead letters; prints how many. */
export async function deadDiscardCommand(queue: string, ids: readonly string[], options: DeadOptions): Promise<void> {
  const which = chosen('discard', ids, options);
  await withBroker(options.broker, 'brokkr dead discard', async ({ inspector }) => {
    tell(await inspector.discard(queue, which), queue, which);
  });
}

/** @throws UsageError naming those that are not there */
async function lettersOf(inspector: Inspector, queue: string, ids: readonly string[]): Promise<readonly Envelope[]> {
  const letters = await inspector.peek(queue, 'dead', Number.MAX_SAFE_INTEGER);
  const there = new Set(letters.map(({ id }) => id));
  const missing = ids.filter((id) => !there.has(id));
  if (missing.length > 0) throw new UsageError(`no dead letter ${missing.join(', ')} in queue ${queue}`);
  const wanted = new Set(ids);
  return letters.filter(({ id }) => wanted.has(id));
}

/** @throws UsageError where there were fewer than asked for. Not looked for first: a look hides them from others meanwhile. */
function tell(count: number, queue: string, which: readonly string[] | 'all'): void {
  console.log(count);
  const missing = which === 'all' ? 0 : new Set(which).size - count;
  if (missing > 0)
    throw new UsageError(`${missing} of ${new Set(which).size} ids are no dead letters of queue ${queue}`);
}

function chosen(what: string, ids: readonly string[], { all }: DeadOptions): readonly string[] | 'all' {
  if (all !== true && ids.length === 0) throw new UsageError(`brokkr dead ${what}: give ids, or --all`);
  if (all !== true) return ids;
  if (ids.length === 0) return 'all';
  throw new UsageError(`brokkr dead ${what}: both ids and --all were given; leave out one of them`);
}
