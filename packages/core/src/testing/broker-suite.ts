import { blockedLoop } from './suite/blocked-loop.ts';
import { closing } from './suite/closing.ts';
import { concurrency } from './suite/concurrency.ts';
import { countsGroup } from './suite/part-inspector-counts.ts';
import { deadLetters } from './suite/part-inspector-dead-letters.ts';
import { delays } from './suite/delays.ts';
import { registerGroup } from './suite/group.ts';
import { electing } from './suite/part-elections.ts';
import { hostile } from './suite/hostile.ts';
import { idempotency } from './suite/idempotency.ts';
import { leases } from './suite/leases.ts';
import { model } from './suite/model.ts';
import { optional } from './suite/optional.ts';
import type { BrokerSuiteOptions } from './suite/options.ts';
import { diagnostics } from './suite/part-diagnostics.ts';
import { messages } from './suite/part-messages.ts';
import { results } from './suite/part-results.ts';
import { states } from './suite/part-states.ts';
import { workers } from './suite/part-workers.ts';
import { parts } from './suite/parts.ts';
import { poison } from './suite/poison.ts';
import { publishing } from './suite/publishing.ts';
import { queueOrder } from './suite/queue-order.ts';
import { receiving } from './suite/receiving.ts';
import { settling } from './suite/settling.ts';
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
  parts,
  deadLetters,
  countsGroup,
  messages,
  workers,
  results,
  states,
  electing,
  diagnostics,
  closing,
  hostile,
  working,
  queueOrder,
  poison,
  concurrency,
  model,
];

/**
 * Registers the contract as tests on any runner: a broker that passes them keeps every promise that its declared
 * capabilities leave standing. Each case has a namespace and a queue of its own, and bounds its own time.
 * @param name of the broker, for the titles
 */
export function brokerSuite(name: string, options: BrokerSuiteOptions): void {
  options.runner.describe(`${name} keeps the broker contract`, () => {
    for (const group of GROUPS) registerGroup(group, options);
  });
}
