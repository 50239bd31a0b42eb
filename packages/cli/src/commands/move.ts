import { isOnePlace } from '../app/is-one-place.ts';
import { withBroker } from '../app/open-broker.ts';
import { queueNames } from '../app/queue-names.ts';
import { UsageError } from '../exit.ts';
import { print, printable } from '../output.ts';

export interface MoveOptions {
  readonly app?: string;
  readonly queues?: string;
}

const BATCH = 500;

/**
 * Moves ready and delayed messages from one broker to another, queue by queue, and prints how many of each. A message is
 * stored there before it is removed here: an interruption leaves it on both, never on neither.
 *
 * @throws UsageError if both URLs name one place: its messages would be known there already, and be removed
 */
export async function moveCommand(fromUrl: string, toUrl: string, { app, queues }: MoveOptions): Promise<void> {
  await withBroker(fromUrl, 'brokkr move', (from) =>
    withBroker(toUrl, 'brokkr move', async (to) => {
      if (await isOnePlace(from, to)) {
        const [here, there] = [fromUrl, toUrl].map(to.core.redactUrl);
        throw new UsageError(
          `brokkr move: ${here} and ${there} are the same broker with the same queues, so nothing was moved; give the URL of another broker`,
        );
      }
      const names = queues?.split(',') ?? (await queueNames(from, app));
      for (const queue of names) {
        let moved = 0;
        for (let batch = BATCH; batch > 0; moved += batch) {
          batch = await from.inspector.take(queue, BATCH, async (envelopes) => {
            if (envelopes.length > 0) await to.broker.publish(envelopes);
          });
        }
        print(`${printable(queue)} ${moved}`);
      }
    }),
  );
}
