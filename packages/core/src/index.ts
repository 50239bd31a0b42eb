export type { Clock, TimerHandle } from './clock/clock.ts';
export type { Duration } from './clock/duration.ts';
export { BrokkrError } from './errors/brokkr-error.ts';
export {
  BrokerUnavailableError,
  ConfigError,
  LeaseLostError,
  PayloadTooLargeError,
  PermanentError,
  ResultTimeoutError,
  SerializationError,
  ShutdownError,
  TaskFailedError,
  TaskTimeoutError,
  UnsupportedFeatureError,
  ValidationError,
} from './errors/errors.ts';
export type { Broker, BrokerCapabilities, PublishReceipt, SubscribeOptions, Subscription } from './broker/broker.ts';
export { deadLetterEnvelope, deadLetterQueue, redriveEnvelope } from './broker/dead-letter.ts';
export type { Delivery } from './broker/delivery.ts';
export type { Envelope } from './broker/envelope.ts';
export type { InspectableBroker, PeekState, QueueCounts } from './broker/inspectable-broker.ts';
export { checkQueueName } from './broker/names.ts';
export { isCancelling, isInspectable, isReleasing, isResultStore, isStateStore } from './broker/optional.ts';
export type { CancellingBroker, ReleasingBroker, ResultStore, StateStore } from './broker/optional-brokers.ts';
export type { Settlement } from './broker/settlement.ts';
export { systemClock } from './clock/system-clock.ts';
