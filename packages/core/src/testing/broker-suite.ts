import { batches } from './suite/batches.ts';
import { blockedLoop } from './suite/blocked-loop.ts';
import { closing } from './suite/closing.ts';
import { collapse } from './suite/collapse.ts';
import { concurrency } from './suite/concurrency.ts';
import { countsGroup } from './suite/part-inspector-counts.ts';
import { deadLetters } from './suite/part-inspector-dead-letters.ts';
import { debouncedLimits } from './suite/debounced-limits.ts';
import { debouncedReturns } from './suite/debounced-returns.ts';
import { debouncedRuns } from './suite/debounced-runs.ts';
import { delays } from './suite/delays.ts';
import { registerGroup } from './suite/group.ts';
import { electing } from './suite/part-elections.ts';
import { hostile } from './suite/hostile.ts';
import { idempotency } from './suite/idempotency.ts';
import { joiningSends } from './suite/joining.ts';
import { lanes } from './suite/lanes.ts';
import { leases } from './suite/leases.ts';
import { model } from './suite/model.ts';
import { optional } from './suite/optional.ts';
import type { BrokerSuiteOptions } from './suite/options.ts';
import { inspectorPages } from './suite/part-inspector-pages.ts';
import { limitWaiting } from './suite/limit-waiting.ts';
import { limiting } from './suite/limiting.ts';
import { limits } from './suite/part-limits.ts';
import { limitCalls } from './suite/part-limits-calls.ts';
import { limitRates } from './suite/part-limits-rates.ts';
import { severalLimits } from './suite/part-limits-several.ts';
import { diagnostics } from './suite/part-diagnostics.ts';
import { messages } from './suite/part-messages.ts';
import { records } from './suite/part-records.ts';
import { results } from './suite/part-results.ts';
import { signals } from './suite/part-signals.ts';
import { states } from './suite/part-states.ts';
import { workers } from './suite/part-workers.ts';
import { parts } from './suite/parts.ts';
import { poison } from './suite/poison.ts';
import { payloadVersions } from './suite/payload-versions.ts';
import { publishing } from './suite/publishing.ts';
import { queueOrder } from './suite/queue-order.ts';
import { receiving } from './suite/receiving.ts';
import { settling } from './suite/settling.ts';
import { steering } from './suite/steering.ts';
import { steps } from './suite/steps.ts';
import { working } from './suite/working.ts';

const GROUPS = [
  publishing,
  receiving,
  settling,
  leases,
  blockedLoop,
  delays,
  optional,
  idempotency,
  collapse,
  debouncedReturns,
  parts,
  deadLetters,
  countsGroup,
  inspectorPages,
  messages,
  workers,
  signals,
  results,
  states,
  limits,
  limitRates,
  limitCalls,
  severalLimits,
  records,
  electing,
  diagnostics,
  closing,
  hostile,
  working,
  limiting,
  debouncedLimits,
  limitWaiting,
  steering,
  steps,
  joiningSends,
  debouncedRuns,
  payloadVersions,
  batches,
  lanes,
  queueOrder,
  poison,
  concurrency,
  model,
];

/**
 * Registers the broker contract as tests of any runner. A broker that passes them keeps every promise of the contract
 * that its capabilities declare. Each case has its own namespace and queue, and its own time limit.
 * @param name name of the broker, for the titles
 * @param options the runner, and a function that opens a broker
 * @example
 * brokerSuite('NatsBroker', { runner: { describe, it }, open: (options) => new NatsBroker(url, options) });
 */
export function brokerSuite(name: string, options: BrokerSuiteOptions): void {
  options.runner.describe(`${name} keeps the broker contract`, () => {
    for (const group of GROUPS) registerGroup(group, options);
  });
}
