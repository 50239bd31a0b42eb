import { type MeterProvider, metrics, type ObservableResult } from '@opentelemetry/api';
import type { TaskManager } from '@brokkr/core';
import { checkQueueName } from '@brokkr/core/adapter';
import { ATTRIBUTES, BROKKR } from './conventions.ts';
import { meterOf } from './current-instruments.ts';

const STATES = ['ready', 'delayed', 'running', 'dead'] as const;

/** Options of `observeQueues`. */
export interface ObserveQueuesOptions {
  /** @default the global one, as it is registered now */
  readonly meterProvider?: MeterProvider | undefined;
}

/**
 * Exports how many messages queues have, by state, as the gauge `brokkr.queue.messages`. Call it in one process of a
 * system only: every process would export the same figures. A figure that the server does not know is left out, and so
 * are all figures while the broker is unreachable.
 *
 * @param queues their names
 * @returns a function that ends it
 * @throws ConfigError (`QUEUE_NAME_INVALID`)
 * @example
 * const stop = observeQueues(tm, ['emails', 'default']);
 */
export function observeQueues(
  tm: Pick<TaskManager, 'broker' | 'logger'>,
  queues: readonly string[],
  { meterProvider = metrics.getMeterProvider() }: ObserveQueuesOptions = {},
): () => void {
  for (const queue of queues) checkQueueName(queue);
  const gauge = meterOf(meterProvider).createObservableGauge(BROKKR.queueMessages, {
    unit: '{message}',
    description: 'Messages of a queue, by state.',
  });
  const observe = async (result: ObservableResult): Promise<void> => {
    try {
      const { inspector } = await tm.broker();
      for (const report of (await inspector?.countsOf(queues)) ?? []) {
        for (const state of STATES) {
          const attributes = { [ATTRIBUTES.destination]: report.queue, [BROKKR.state]: state };
          if (report[state] !== undefined) result.observe(report[state], attributes);
        }
      }
    } catch (error) {
      tm.logger.debug({ error }, 'the queues could not be counted for their metrics');
    }
  };
  gauge.addCallback(observe);
  return () => gauge.removeCallback(observe);
}
