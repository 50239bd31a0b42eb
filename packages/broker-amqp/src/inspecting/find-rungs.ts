import type { Connection } from '../connection/connection.ts';
import { LEVELS, stepsOf } from '../topology/delay-ladder.ts';
import type { Names } from '../topology/names.ts';

/**
 * Returns the rungs of a queue's ladder that exist, shortest waits first. RabbitMQ lists no queues, but it returns a
 * message that no queue takes. Each rung has bound its name to an exchange whose queue keeps nothing.
 */
export async function findRungs(publishing: Connection, names: Names, queue: string): Promise<readonly string[]> {
  const candidates = LEVELS.flatMap((level) =>
    Array.from({ length: stepsOf(level) - 1 }, (_, index) => ({ level, steps: index + 1 })),
  );
  const missing = new Set<string>();
  const channel = await publishing.openConfirmChannel();
  channel.on('return', ({ fields }) => missing.add((fields as { routingKey: string }).routingKey));
  try {
    const nothing = Buffer.alloc(0);
    for (const { level, steps } of candidates) {
      channel.publish(names.rungs, names.rungKey(queue, level, steps), nothing, { mandatory: true, expiration: 0 });
    }
    await publishing.withTimeout(channel.waitForConfirms());
  } finally {
    void channel.close().catch(() => undefined);
  }
  return candidates
    .filter(({ level, steps }) => !missing.has(names.rungKey(queue, level, steps)))
    .map(({ level, steps }) => names.rung(queue, level, steps));
}
