import type { Inspector, QueueCounts } from '@brokkr/core/adapter';

/** The counts of one queue, or the reason why they cannot be read. */
export interface QueueReading {
  readonly queue: string;
  readonly counts?: QueueCounts;
  readonly error?: Error;
}

/**
 * Reads the counts of several queues. A queue that cannot be read, because another program wrote into its keys, does not
 * hide the others.
 *
 * @throws BrokerUnavailableError if the broker cannot be reached
 */
export async function readCounts(inspector: Inspector, queues: readonly string[]): Promise<readonly QueueReading[]> {
  return Promise.all(
    queues.map(async (queue) => {
      try {
        return { queue, counts: await inspector.counts(queue) };
      } catch (thrown) {
        const error = thrown instanceof Error ? thrown : new Error(String(thrown));
        if ((error as { code?: unknown }).code === 'BROKER_UNAVAILABLE') throw error;
        return { queue, error };
      }
    }),
  );
}
