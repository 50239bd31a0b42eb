import type { BrokerCalls } from '../worker/broker-calls.ts';
import type { WorkerPhase } from '../worker/task-worker.ts';
import type { HealthReason, WorkerHealth } from '../worker/worker.ts';

/** A broker that has not answered for so long, and a queue that cannot be read for so long, make a worker unready. */
const SILENT_MS = 30_000;

/** Judges the health of a worker. A server that is down never makes a worker dead: a restart would not help. */
export function workerHealth(
  { id, state, wasReady }: { readonly id: string; readonly state: WorkerPhase; readonly wasReady: boolean },
  calls: BrokerCalls,
): WorkerHealth {
  const ended = reason('ENDED', `worker ${id} has ended`);
  const notStarted = reason('NOT_STARTED', `worker ${id} has not subscribed to its queues yet`);
  switch (state) {
    case 'new':
    case 'starting':
      return { live: [], ready: [notStarted], started: [notStarted] };
    case 'running':
      return { live: [], ready: brokerReasons(calls), started: [] };
    case 'stopping':
      return { live: [], ready: [reason('STOPPING', `worker ${id} is stopping`)], started: [] };
    case 'stopped':
      return { live: [ended], ready: [ended], started: wasReady ? [] : [ended] };
  }
}

function brokerReasons(calls: BrokerCalls): readonly HealthReason[] {
  const { silentMs } = calls;
  if (silentMs >= SILENT_MS) {
    return [reason('BROKER_SILENT', `the broker has not answered for ${Math.floor(silentMs / 1_000)} s`)];
  }
  // A broker that is silent explains why its queues cannot be read.
  if (silentMs > 0) return [];
  return calls
    .unreadable(SILENT_MS)
    .map((queue) => reason('QUEUE_UNREADABLE', `queue ${queue} could not be read for ${SILENT_MS / 1_000} s`));
}

function reason(code: string, message: string): HealthReason {
  return { code, message };
}
