/** Everything that authors of brokers need, and tools that look into one. Applications use `@brokkr/core`. */

// The contract: what a broker is, does and may have.
export type {
  Broker,
  BrokerCapabilities,
  BrokerParts,
  PublishReceipt,
  SubscribeOptions,
  Subscription,
} from '../broker/broker.ts';
export type { Collapse } from '../broker/collapse.ts';
export type { Delivery } from '../broker/delivery.ts';
export type { Diagnostics, Finding, Repair } from '../broker/diagnostics.ts';
export type { Elections, Leadership } from '../broker/elections.ts';
export type { Envelope } from '../broker/envelope.ts';
export type {
  BrowsableState,
  BulkOptions,
  Inspector,
  LetterChoice,
  Page,
  PageItem,
  PageOptions,
  QueueCounts,
  QueueReport,
} from '../broker/inspector.ts';
export type {
  Acquired,
  AcquireOptions,
  Called,
  LimitDemand,
  LimitLine,
  LimitRule,
  LimitStore,
  LimitUsage,
  Permit,
  PermitRequest,
  Refusal,
  ReleasedPermit,
  Waiter,
} from '../broker/limit-store.ts';
export type { FoundMessage, MessageIndex } from '../broker/message-index.ts';
export type { RecordAnswer, RecordChange, RecordStore } from '../broker/record-store.ts';
export type { ResultStore } from '../broker/result-store.ts';
export type { SettledResult, Settlement } from '../broker/settlement.ts';
export type { Signal, Signals } from '../broker/signals.ts';
export type { StateStore } from '../broker/state-store.ts';
export type { Store, StorePart } from '../broker/store.ts';
export type { AgedReport, WorkerDirectory } from '../broker/worker-directory.ts';
export type { Histogram, RunningTask, SuspectReport, TaskTotals, WorkerReport } from '../broker/worker-report.ts';

// How a broker is made from a URL.
export type { BrokerOptions } from '../config/broker-options.ts';
export {
  type BrokerFactory,
  type CreateBrokerOptions,
  createBroker,
  registerBroker,
} from '../config/broker-registry.ts';
export { openBroker } from '../config/lazy-broker.ts';
export { redactUrl } from '../config/redact-url.ts';
export { type BrokerHost, BrokerUrl, type BrokerUrlForm, TLS_OPTIONS, type TlsFiles } from './broker-url.ts';
export { type Environment, readEnvironment } from '../config/env-file.ts';

// Rules and defaults that are the same on every broker.
export { BROKER_DEFAULTS } from '../broker/broker-defaults.ts';
export { checkBroker } from '../broker/check-broker.ts';
export { FEATURES, FEATURE_NAMES, type Feature, type FeatureName, featuresOf } from '../broker/features.ts';
export { checkChanges, checkRead } from '../broker/check-changes.ts';
export { checkLetterChoice } from '../broker/check-letter-choice.ts';
export { checkSignal, SIGNAL_BYTES } from '../broker/check-signal.ts';
export { type Death, deadLetterEnvelope, deadLetterQueue, redriveEnvelope } from '../broker/dead-letter.ts';
export { HEADER_LIMITS } from '../producer/send-settings.ts';
export { delayUntil } from '../broker/delay.ts';
export {
  ATTEMPT_HEADER,
  DEAD_AT_HEADER,
  ENQUEUED_AT_HEADER,
  FORGET_HEADER,
  HISTORY_HEADER,
  MAX_RETRIES_HEADER,
  REASON_HEADER,
  REDRIVEN_HEADER,
  TASK_HEADER,
  TIMEOUT_HEADER,
} from '../broker/headers.ts';
export {
  FIRST_RUN_MS,
  KEEP_SLOTS_MS,
  KEEP_SLOTS_OF_NEXT_MS,
  LAST_RUN_SHARE,
  LIMIT_LIFE_MS,
  LINE_WAITS,
  lineWaitMs,
  MOST_CALLED,
  MOST_WAITING_KEYS,
  OVERDUE_MS,
  PLANNED_LIFE_MS,
  RETURN_GRACE_MS,
  SLOT_LOOK_MS,
  STAND_BY_MS,
} from '../broker/limit-waits.ts';
export { firstMessages, PAGE_LIMIT, pagesOf } from '../broker/page-messages.ts';
export { readReport } from '../broker/read-report.ts';
export { joinLanes, knownLanes, type LaneCounts } from '../broker/lane-counts.ts';
export { laneName, laneNames, PRIORITIES, type Priority, readLane } from '../broker/lane-names.ts';
export { checkNamespace, checkQueueName } from '../broker/names.ts';
export { RECEIVED_AT_ONCE } from '../broker/received-at-once.ts';
export { isSuspect, SUSPECT_CRASHES } from '../broker/suspect.ts';
export { checkOptions, type OptionNames } from '../errors/check-options.ts';
export { shown } from '../errors/kind-of.ts';
export { nearestName } from '../errors/nearest-name.ts';
export { readHistory } from '../message/attempt-history.ts';
export { type LetterFilter, letterFilter } from '../message/letter-filter.ts';
export { errorGroup } from '../message/error-group.ts';

// For telemetry and other observers.
export { type ErrorRecord, errorRecord } from '../errors/error-record.ts';
export { DURATION_BOUNDS } from '../worker/durations.ts';
export { VERSION } from '../worker/version.ts';

// How processes steer workers: for tools such as a dashboard.
export {
  type ControlSignal,
  type ControlSignals,
  controlSignal,
  readControlSignal,
} from '../control/control-signals.ts';
export type { LimitControl } from '../control/limit-control.ts';
export type { LivingWorker } from '../control/living-workers.ts';
export type { KeyedLimit, Limit, LimitOptions } from '../limits/limit.ts';
export type { RuleOptions } from '../limits/limit-rule.ts';
export { LimitSettings } from '../limits/limit-settings.ts';
export { countWorkers } from '../control/count-workers.ts';
export { PauseFlags } from '../control/pause-flags.ts';
export { silentAfterMs } from '../control/silent-after.ts';
export { encodeEnding } from '../result/result-record.ts';
export { WorkerControl, type WorkerControlPorts } from '../control/worker-control.ts';

// Time.
export { backoff } from '../clock/backoff.ts';
export type { Clock, TimerHandle } from '../clock/clock.ts';
export { type Duration, toMs } from '../clock/duration.ts';
export { LONGEST_TIMER_MS } from '../clock/longest-timer.ts';
export { pause } from '../clock/pause.ts';
export { ServerClock } from '../clock/server-clock.ts';
export { systemClock } from '../clock/system-clock.ts';
export { TimeLimit } from '../clock/time-limit.ts';
export { timerMs } from '../clock/timer-ms.ts';

// What happens while the event loop is blocked.
export { LoopGuard, type LoopGuardOptions } from '../event-loop/loop-guard.ts';

// Errors that brokers throw.
export { BrokkrError } from '../errors/brokkr-error.ts';
export {
  BrokerUnavailableError,
  ConfigError,
  PayloadTooLargeError,
  SerializationError,
  UnsupportedFeatureError,
} from '../errors/errors.ts';
export { PartlyStoredError } from '../broker/partly-stored-error.ts';

// Types that the declarations of an application may contain; no application imports them by name.
export type { RedriveRecord } from '../message/dead-letter-record.ts';
export type { ConfigOptions } from '../config/task-config.ts';
export type { ExponentialOptions } from '../retry/exponential.ts';
export type { FixedOptions } from '../retry/fixed.ts';
export type { LinearOptions } from '../retry/linear.ts';
export type { BatchTaskOptions, DefineBatchTask } from '../batches/define-batch-task.ts';
export type { SendOutcome } from '../producer/send-outcome.ts';
export type { DefineTask } from '../task/define-task.ts';
export type { ErrorMatcher, TaskRef } from '../task/task.ts';
export { moveJoined, type MoveJoinedOptions } from '../collapse/move-joined.ts';
export { purgeJoined, type PurgeJoinedOptions } from '../collapse/purge-joined.ts';
export type { CollapseOptions, DebounceOptions, ThrottleOptions, UniqueOptions } from '../collapse/collapse-options.ts';
export type { StepOptions } from '../steps/step.ts';
export type { Hook } from '../worker/hooks.ts';
export type { AttemptRecord } from '../message/attempt-history.ts';
export type { RunMode } from '../manager/manager-options.ts';
