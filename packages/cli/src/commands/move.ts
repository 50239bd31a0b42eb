import { isOnePlace } from '../app/is-one-place.ts';
import { withBroker } from '../app/open-broker.ts';
import { queueNames } from '../app/queue-names.ts';
import { UsageError } from '../exit.ts';

export interface MoveOptions {
  readonly app?: string;
  readonly queues?: string;
}

const BATCH = 500;

/**
 * Moves what is ready or delayed from one broker to another, queue by queue: stored there before it is removed here, so
 * that an interruption leaves a message twice rather than nowhere. Prints how many of each queue.
 * @throws UsageError where both are one place: each message would be known there, and then removed
 */
export async function moveCommand(fromUrl: string, toUrl: string, { app, queues }: MoveOptions): Promise<void> {
  await withBroker(fromUrl, 'brokkr move', (from) =>
    withBroker(toUrl, 'brokkr move', async (to) => {
      if (await isOnePlace(from, to)) {
        const [here, there] = [fromUrl, toUrl].map(to.core.redactUrl);
        throw new UsageError(
          `brokkr move: ${here} and ${there} are one and the same place, with the same queues; nothing was moved, give the URL of another broker`,
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
        console.log(`${queue} ${moved}`);
      }
    }),
  );
}
