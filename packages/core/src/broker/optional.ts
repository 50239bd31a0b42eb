import type { Broker } from './broker.ts';
import type { DiagnosableBroker } from './diagnosable-broker.ts';
import type { InspectableBroker } from './inspectable-broker.ts';
import type { CancellingBroker, ElectingBroker, ReleasingBroker, ResultStore, StateStore } from './optional-brokers.ts';

/** Whether this broker can be looked into: queues, counts, dead letters. */
export function isInspectable(broker: Broker): broker is InspectableBroker {
  return has(broker, 'queues', 'counts', 'peek', 'take', 'redrive', 'discard', 'purge');
}

export function isCancelling(broker: Broker): broker is CancellingBroker {
  return broker.capabilities.cancel && has(broker, 'cancel', 'unfinished');
}

export function isReleasing(broker: Broker): broker is ReleasingBroker {
  return has(broker, 'releaseWorker');
}

export function isDiagnosable(broker: Broker): broker is DiagnosableBroker {
  return has(broker, 'diagnose');
}

export function isResultStore(candidate: object): candidate is ResultStore {
  return has(candidate, 'storeResult', 'loadResult');
}

export function isStateStore(candidate: object): candidate is StateStore {
  return has(candidate, 'getState', 'setState');
}

export function isElecting(broker: Broker): broker is ElectingBroker {
  return has(broker, 'elect');
}

function has(candidate: object, ...methods: readonly string[]): boolean {
  return methods.every((method) => typeof (candidate as Record<string, unknown>)[method] === 'function');
}
