import { withBroker } from '../app/open-broker.ts';
import { unknownName } from '../app/unknown-name.ts';
import { EXIT, UsageError } from '../exit.ts';
import { print, printable } from '../output.ts';

export interface QuietOptions {
  readonly broker?: string;
}

/** Lets workers take no more messages. Prints the state of each. @returns the exit code: 1 if a worker did not answer */
export function quietCommand(ids: readonly string[], options: QuietOptions): Promise<number> {
  return setQuiet(ids, true, options);
}

/** Lets quiet workers take messages again. Prints the state of each. @returns the exit code, as `quietCommand` */
export function wakeCommand(ids: readonly string[], options: QuietOptions): Promise<number> {
  return setQuiet(ids, false, options);
}

async function setQuiet(ids: readonly string[], quiet: boolean, { broker }: QuietOptions): Promise<number> {
  const command = `brokkr workers ${quiet ? 'quiet' : 'resume'}`;
  return withBroker(broker, command, async ({ manager, adapter }) => {
    const known = (await manager.workers()).map(({ id }) => id);
    // One wrong id of several must change nothing.
    for (const id of ids) if (!known.includes(id)) throw new UsageError(unknownName(adapter, 'worker', id, known));
    const workers = [...new Set(ids)].map((id) => manager.worker(id));
    const obeyed = await Promise.all(workers.map((worker) => (quiet ? worker.quiet() : worker.resume())));
    for (const [index, { id }] of workers.entries()) {
      if (obeyed[index]) print(`${printable(id)} ${quiet ? 'takes no more messages' : 'takes messages'}`);
      else process.stderr.write(`error: ${printable(pendingOrder(id, quiet))}\n`);
    }
    return obeyed.every(Boolean) ? EXIT.fine : EXIT.failed;
  });
}

/** A worker that is stopped or blocked has the order in its connection, and obeys when it goes on. */
export function pendingOrder(id: string, quiet: boolean): string {
  const [order, opposite] = quiet ? ['quiet', 'resume'] : ['resume', 'quiet'];
  return `worker ${id} did not report within 3 s that it obeyed: the order stays pending, and the worker obeys when it answers again, if its connection lasts; to take the order back: brokkr workers ${opposite} ${id}; to repeat it: brokkr workers ${order} ${id}`;
}
