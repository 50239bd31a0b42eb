import type { Envelope } from '@brokkr/core/adapter';
import { checkQueues } from '../app/check-queues.ts';
import { isOnePlace } from '../app/is-one-place.ts';
import { joinRecords } from '../app/join-records.ts';
import { type OpenedBroker, withBroker } from '../app/open-broker.ts';
import { queueNames } from '../app/queue-names.ts';
import { withLanes } from '../app/with-lanes.ts';
import { EXIT, UsageError } from '../exit.ts';
import { print, printable } from '../output.ts';
import { runUntilStopped } from '../processes/run-until-stopped.ts';
import { Progress } from '../terminal/progress.ts';

export interface MoveOptions {
  readonly app?: string;
  readonly queues?: string;
  /** Moves dead letters instead of ready and delayed messages. */
  readonly dead: boolean;
}

const BATCH = 500;

/**
 * Moves ready and delayed messages, or dead letters, from one broker to another, queue by queue, and prints how many of
 * each. A message is stored there before it is removed here: an interruption leaves it on both, never on neither. Debounced
 * messages take their newest arguments along, and the keys of joined messages are free here.
 *
 * @returns the exit code: 1 if a signal stopped it
 * @throws UsageError if both URLs name one place: its messages would be known there already, and be removed
 */
export async function moveCommand(fromUrl: string, toUrl: string, options: MoveOptions): Promise<number> {
  const { app, queues, dead } = options;
  return withBroker(fromUrl, 'brokkr move', (from) =>
    withBroker(toUrl, 'brokkr move', async (to) => {
      if (await isOnePlace(from, to)) {
        const [here, there] = [fromUrl, toUrl].map(to.core.redactUrl);
        throw new UsageError(
          `brokkr move: ${here} and ${there} are the same broker with the same queues, so nothing was moved; give the URL of another broker`,
        );
      }
      if (dead && to.inspector.bury === undefined) {
        throw new UsageError(`brokkr move: ${to.core.redactUrl(toUrl)} cannot store dead letters of another broker`);
      }
      const names = queues?.split(',') ?? (await queueNames(from, app));
      if (queues !== undefined) await checkQueues(from, names, app);
      const lanes = await withLanes(from, names);
      return runUntilStopped(async (signal) => {
        for (const queue of lanes) print(`${printable(queue)} ${await moveQueue(queue, from, to, dead, signal)}`);
        return signal.aborted ? EXIT.failed : EXIT.fine;
      });
    }),
  );
}

async function moveQueue(
  queue: string,
  from: OpenedBroker,
  to: OpenedBroker,
  dead: boolean,
  signal: AbortSignal,
): Promise<number> {
  const { adapter, manager } = from;
  const options = {
    records: () => joinRecords(from, queue),
    now: Date.now,
    keyTtlMs: manager.config.idempotencyTtlMs,
  };
  const progress = new Progress();
  const store = async (envelopes: readonly Envelope[]) => {
    if (envelopes.length === 0) return;
    if (dead) await to.inspector.bury?.(queue, envelopes);
    else await adapter.moveJoined(envelopes, (some) => to.broker.publish(some), options);
  };
  let moved = 0;
  for (let batch = BATCH; batch > 0 && !signal.aborted; moved += batch) {
    batch = await from.inspector.take(queue, BATCH, store, { from: dead ? 'dead' : 'waiting' });
    progress.show(`${queue}: ${moved + batch} moved`);
  }
  progress.end();
  return moved;
}
