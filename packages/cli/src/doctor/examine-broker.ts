import type { Broker, Finding, TaskManager } from '@brokkr/core';
import type { Core } from '../app/load-core.ts';
import { noteBroker } from '../explain.ts';
import { type Check, failed } from './check.ts';
import { examineQueues } from './examine-queues.ts';

/** Checks whether the broker answers, what its server reports, and its queues. */
export async function* examineBroker(core: Core, manager: TaskManager, broker: Broker): AsyncIterable<Check> {
  const { brokerUrl } = manager.config;
  const about = 'broker';
  if (brokerUrl.startsWith('memory:')) {
    const message = `${brokerUrl} lives in one process; set TASK_BROKER_URL to share a broker between processes`;
    yield { about, severity: 'ok', message };
    return;
  }
  try {
    const findings = await ask(core, broker);
    yield { about, severity: 'ok', message: `${core.redactUrl(brokerUrl)} answers` };
    for (const finding of findings) yield { about, ...finding };
    // A server that must not be used refuses further calls.
    if (findings.some(({ severity }) => severity === 'error')) return;
    if (core.isInspectable(broker)) yield* examineQueues(broker, manager);
  } catch (error) {
    noteBroker(error, core.redactUrl(brokerUrl));
    yield failed(about, error);
  }
}

async function ask(core: Core, broker: Broker): Promise<readonly Finding[]> {
  if (core.isDiagnosable(broker)) return broker.diagnose();
  if (core.isInspectable(broker)) await broker.queues();
  return [];
}
