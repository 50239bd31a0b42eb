import { type Finding, firstMessages, type Inspector } from '@brokkr/core/adapter';
import { SERVER_REMOVED } from './server-death.ts';

/** Queues, and dead letters of each, that are looked at: enough to notice a policy, and quick. */
const MOST_QUEUES = 20;
const MOST_LETTERS = 20;

/**
 * Finds the effect of policies that remove messages. AMQP cannot read policies, but a dead letter says whether a worker or
 * RabbitMQ itself moved it.
 */
export async function examineDeadLetters(inspector: Inspector): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const queue of (await inspector.queues()).slice(0, MOST_QUEUES)) {
    const letters = await firstMessages(inspector, queue, 'dead', MOST_LETTERS);
    const reason = letters
      .map(({ headers }) => headers['brokkr-reason'])
      .find((given) => given?.startsWith(SERVER_REMOVED) === true);
    if (reason === undefined) continue;
    findings.push({
      severity: 'error',
      code: 'SERVER_REMOVES_MESSAGES',
      message: `dead letters of queue ${queue} were not moved by a worker. ${reason}; run rabbitmqctl list_policies, and let no such policy match Brokkr's queues`,
    });
  }
  return findings;
}
