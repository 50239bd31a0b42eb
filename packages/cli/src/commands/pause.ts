import { checkQueues } from '../app/check-queues.ts';
import { withBroker } from '../app/open-broker.ts';
import { print, printable } from '../output.ts';

export interface PauseOptions {
  readonly app?: string;
  readonly broker?: string;
}

/** Pauses queues: workers of every process start no more of their messages. Prints the state of each. */
export async function pauseCommand(queues: readonly string[], options: PauseOptions): Promise<void> {
  await setPaused(queues, true, options);
}

/** Ends the pause of queues. Prints the state of each. */
export async function resumeCommand(queues: readonly string[], options: PauseOptions): Promise<void> {
  await setPaused(queues, false, options);
}

async function setPaused(queues: readonly string[], paused: boolean, { app, broker }: PauseOptions): Promise<void> {
  await withBroker(broker, `brokkr ${paused ? 'pause' : 'resume'}`, async (opened) => {
    // A misspelled name would pause nothing, and report success.
    await checkQueues(opened, queues, app);
    for (const name of new Set(queues)) {
      const queue = opened.manager.queue(name);
      await (paused ? queue.pause() : queue.resume());
      print(`${printable(name)} ${paused ? 'paused' : 'resumed'}`);
    }
  });
}
