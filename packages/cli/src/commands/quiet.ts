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
      else process.stderr.write(`error: worker ${printable(id)} did not report that it obeyed; ${command} again\n`);
    }
    return obeyed.every(Boolean) ? EXIT.fine : EXIT.failed;
  });
}
