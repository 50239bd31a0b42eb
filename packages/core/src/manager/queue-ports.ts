import type { QueueControlPorts } from '../control/queue-control.ts';
import type { Runtime } from './runtime.ts';

/** What `tm.queue(name)` works with. @param runtime the manager in use, opened at the first call */
export function queuePorts(runtime: () => Runtime): QueueControlPorts {
  return {
    broker: () => runtime().openBroker(),
    records: () => runtime().stores.open('records'),
    keyTtlMs: () => runtime().config.idempotencyTtlMs,
    now: () => runtime().clock.now(),
    hasPriorities: (queue) => runtime().traits.hasPriorities(queue),
  };
}
