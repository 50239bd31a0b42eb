import { livesInOneProcess } from '../app/own-process.ts';
import type { Broker, TaskManager } from '@brokkr/core';
import type { Finding } from '@brokkr/core/adapter';
import type { Core } from '../app/load-core.ts';
import { noteBroker } from '../explain.ts';
import { type Check, failed } from './check.ts';
import { examineQueues } from './examine-queues.ts';

const about = 'broker';

/**
 * Checks whether the broker answers, what its server reports, and its queues.
 *
 * @param repairs whether damage that other clients did to the broker's data is repaired first
 */
export async function* examineBroker(
  core: Core,
  manager: TaskManager,
  broker: Broker,
  repairs: boolean,
): AsyncIterable<Check> {
  const { brokerUrl } = manager.config;
  if (livesInOneProcess(manager)) {
    const message = `${brokerUrl} lives in one process; set TASK_BROKER_URL to share a broker between processes`;
    yield { about, severity: 'ok', message };
    return;
  }
  try {
    if (repairs) yield* repair(broker);
    const findings = await ask(broker);
    const unread = /^amqps?:/.test(brokerUrl)
      ? '; its policies cannot be read over AMQP: none in rabbitmqctl list_policies may match these queues'
      : '';
    yield { about, severity: 'ok', message: `${core.redactUrl(brokerUrl)} answers${unread}` };
    for (const finding of findings) yield { about, ...finding };
    yield* examineUnlessRefused(broker, manager, findings);
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

async function* repair({ diagnostics }: Broker): AsyncIterable<Check> {
  const done = (await diagnostics?.repair?.()) ?? [];
  for (const { code, message } of done) yield { about, severity: 'ok', code, message: `repaired: ${message}` };
  if (done.length === 0) yield { about, severity: 'ok', message: 'nothing to repair' };
}

/** A server that must not be used refuses every call with the code of its finding, which is reported once. */
async function* examineUnlessRefused(
  broker: Broker,
  manager: TaskManager,
  findings: readonly Finding[],
): AsyncIterable<Check> {
  const { inspector } = broker;
  if (inspector === undefined) return;
  const reported = new Set(findings.filter(({ severity }) => severity === 'error').map(({ code }) => code));
  try {
    for await (const check of examineQueues(broker, inspector, manager)) {
      if (check.code === undefined || !reported.has(check.code)) yield check;
    }
  } catch (error) {
    if (!reported.has(String((error as { code?: unknown }).code))) throw error;
  }
}
