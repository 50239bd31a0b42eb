import type { Broker, TaskManager } from '@brokkr/core';
import type { Finding } from '@brokkr/core/adapter';
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
    const findings = await ask(broker);
    yield { about, severity: 'ok', message: `${core.redactUrl(brokerUrl)} answers` };
    for (const finding of findings) yield { about, ...finding };
    // A server that must not be used refuses further calls.
    if (findings.some(({ severity }) => severity === 'error')) return;
    if (broker.inspector !== undefined) yield* examineQueues(broker.inspector, manager);
  } catch (error) {
    noteBroker(error, core.redactUrl(brokerUrl));
    yield failed(about, error);
  }
}

async function ask({ diagnostics, inspector }: Broker): Promise<readonly Finding[]> {
  if (diagnostics !== undefined) return diagnostics.diagnose();
  await inspector?.queues();
  return [];
}
