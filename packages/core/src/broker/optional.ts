import type { Broker } from './broker.ts';
import type { DiagnosableBroker } from './diagnosable-broker.ts';
import type { InspectableBroker } from './inspectable-broker.ts';
import type { CancellingBroker, ElectingBroker, ReleasingBroker, ResultStore, StateStore } from './optional-brokers.ts';

/** Whether this broker can be looked into: queues, counts, dead letters. */
export function isInspectable(broker: Broker): broker is InspectableBroker {
  return has(broker, 'queues', 'counts', 'peek', 'take', 'redrive', 'discard', 'purge');
}

/**
 * Whether messages can be cancelled: it has the methods, and declares `capabilities.cancel`.
 * @throws ConfigError (`BROKER_NOT_LOADED`) for one of `createBroker` that `openBroker` has not opened
 */
export function isCancelling(broker: Broker): broker is CancellingBroker {
  return broker.capabilities.cancel && has(broker, 'cancel', 'unfinished');
}

/** Whether what a dead worker held can be handed back at once; false before `openBroker`, whatever the adapter can. */
export function isReleasing(broker: Broker): broker is ReleasingBroker {
  return has(broker, 'releaseWorker');
}

/** Whether it can judge its server, as `brokkr doctor` asks; false before `openBroker`, whatever the adapter can. */
export function isDiagnosable(broker: Broker): broker is DiagnosableBroker {
  return has(broker, 'diagnose');
}

export function isResultStore(candidate: object): candidate is ResultStore {
  return has(candidate, 'storeResult', 'loadResult');
}

/** Whether it keeps small values by name; any object with `getState` and `setState` does. False before `openBroker`. */
export function isStateStore(candidate: object): candidate is StateStore {
  return has(candidate, 'getState', 'setState');
}

/** Whether it can make one scheduler among many the leader; false before `openBroker`, whatever the adapter can. */
export function isElecting(broker: Broker): broker is ElectingBroker {
  return has(broker, 'elect');
}

function has(candidate: object, ...methods: readonly string[]): boolean {
  return methods.every((method) => typeof (candidate as Record<string, unknown>)[method] === 'function');
}
