import { BrokkrError, type Finding } from '@brokkr/core/adapter';
import type { Connection } from '../connection/connection.ts';
import { QueueProbe } from '../connection/queue-probe.ts';
import type { QueueType } from '../connection/amqp-url.ts';
import { Declarer } from '../topology/declarer.ts';
import type { Names } from '../topology/names.ts';
import { queuePlan } from '../topology/queue-plan.ts';

/** Queues that are looked at: each takes six short calls. */
const MOST_QUEUES = 200;

export interface ArgumentsOptions {
  readonly connection: Connection;
  readonly names: Names;
  readonly queueType: QueueType;
}

/**
 * Finds queues and exchanges that exist with other arguments, because another program or another version of the settings
 * declared them. AMQP compares arguments only in a declaration. So what exists is declared once more, and what does not
 * exist is left alone.
 */
export async function examineArguments(
  options: ArgumentsOptions,
  queues: readonly string[],
): Promise<readonly Finding[]> {
  const { connection, names } = options;
  const probe = new QueueProbe(connection);
  const declarer = new Declarer(options);
  const findings: Finding[] = [];
  const check = async (exists: () => Promise<unknown>, declare: () => Promise<void>) => {
    try {
      if (await exists()) await declare();
    } catch (error) {
      // A queue without rights or without its node is reported with its counts, or when it is used.
      const { code, message } = error as { code?: unknown; message: string };
      if (BrokkrError.is(error) && code === 'QUEUE_MISMATCH') findings.push({ severity: 'error', code, message });
    }
  };
  const exchange = (name: string, type: 'direct' | 'topic') =>
    check(
      () => probe.hasExchange(name),
      () => declarer.declareExchange(name, type),
    );
  await exchange(names.deadExchange, 'direct');
  for (const queue of queues.slice(0, MOST_QUEUES)) {
    for (const { name, args } of Object.values(queuePlan(names, queue))) {
      await check(
        () => probe.queue(name),
        () => declarer.declareQueue(name, args),
      );
    }
    await exchange(names.ladder(queue, 0), 'topic');
  }
  await declarer.close();
  return findings;
}
