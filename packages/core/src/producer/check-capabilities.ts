import type { Broker } from '../broker/broker.ts';
import { checkDemands } from '../broker/task-demands.ts';
import { UnsupportedFeatureError } from '../errors/errors.ts';
import { checkLimitDelays } from '../limits/check-limit-delays.ts';
import { noResultStore } from '../result/no-result-store.ts';
import type { TaskDefinition } from '../task/task-definition.ts';
import type { SendSettings } from './send-settings.ts';

export interface CapabilityDefaults {
  readonly defaultTimeoutMs: number;
  readonly defaultMaxRetries: number;
  /** Whether a separate store keeps the results. */
  readonly keepsResultsElsewhere: boolean;
}

/**
 * Checks that the broker can do everything that the options of a task and of one send ask for.
 * @throws UnsupportedFeatureError with the option that it cannot serve
 */
export function checkCapabilities(
  broker: Broker,
  task: TaskDefinition,
  { delayMs, eta, idempotencyKey, collapse, timeoutMs, maxRetries }: SendSettings,
  { defaultTimeoutMs, defaultMaxRetries, keepsResultsElsewhere }: CapabilityDefaults,
): void {
  const { maxDelayMs, idempotency } = broker.capabilities;
  checkDemands(
    broker.capabilities,
    task.name,
    timeoutMs ?? task.timeoutMs ?? defaultTimeoutMs,
    maxRetries ?? task.maxRetries ?? defaultMaxRetries,
  );
  if (task.resultTtlMs !== undefined && !keepsResultsElsewhere && broker.results === undefined)
    throw noResultStore(task.name);
  if (task.limits !== undefined) checkLimitDelays(`task ${task.name}`, maxDelayMs);
  if (maxDelayMs === 0 && ((delayMs ?? 0) > 0 || eta !== undefined || collapse?.option === 'debounce')) {
    throw new UnsupportedFeatureError('this broker cannot delay messages: send without delay, eta and debounce', {
      code: 'DELAY_UNSUPPORTED',
    });
  }
  if (idempotencyKey !== undefined && !idempotency) {
    throw new UnsupportedFeatureError(
      'this broker does not support idempotencyKey; make the task idempotent with a key in its arguments',
      { code: 'IDEMPOTENCY_UNSUPPORTED' },
    );
  }
}
