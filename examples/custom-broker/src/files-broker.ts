import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as brokkr from '@brokkr/core/adapter';
import { filesInspector, howMany, messagesIn } from './files-inspector.ts';
import { filesSubscription } from './files-subscription.ts';
import { filesWorkers } from './files-workers.ts';
import { change, make, store } from './message-file.ts';

/** Creates the broker of `files:///a/folder`, for `TASK_BROKER_PACKAGE` and `registerBroker`. */
export function createBroker(
  url: string,
  { namespace = brokkr.BROKER_DEFAULTS.namespace }: brokkr.BrokerOptions = {},
): brokkr.Broker {
  if (url.startsWith('files:///'))
    return filesBroker(fileURLToPath(url.replace('files:', 'file:')), brokkr.checkNamespace(namespace));
  throw new brokkr.ConfigError('a files broker URL must be files:///a/folder', { code: 'BROKER_URL_INVALID' });
}

/** A broker over a folder that the processes of one machine share, with a folder for each queue. */
export function filesBroker(root: string, namespace: string = brokkr.BROKER_DEFAULTS.namespace): brokkr.Broker {
  const ended = new AbortController();

  function folderOf(queue: string): string {
    if (ended.signal.aborted)
      throw new brokkr.BrokerUnavailableError('the files broker is closed', { code: 'BROKER_CLOSED' });
    brokkr.checkQueueName(queue);
    return join(root, namespace, queue);
  }

  const inspector = filesInspector(join(root, namespace), folderOf);

  /** Ends the leases of a worker; the worker that takes the messages next counts the crash. */
  async function release(workerId: string): Promise<number> {
    const queues = await inspector.queues();
    const running = await Promise.all(queues.map((queue) => messagesIn(folderOf(queue), 'running')));
    const held = running.flat().filter(({ worker }) => worker === workerId);
    return howMany(held.map((file) => change(file, { visibleAt: 0 })));
  }

  return {
    capabilities: {
      persistent: true,
      ordered: true,
      maxDelayMs: 10 * 365 * 86_400_000,
      delayResolutionMs: 200,
      idempotency: false,
      counts: 'ready-only',
    },
    async publish(envelopes) {
      await Promise.all([...new Set(envelopes.map(({ queue }) => folderOf(queue)))].map(make));
      await Promise.all(envelopes.map((envelope) => store(envelope, { folder: folderOf(envelope.queue) })));
      return envelopes.map(({ id }) => ({ id, isNew: true }));
    },
    subscribe: async (queue, { leaseMs = brokkr.BROKER_DEFAULTS.leaseMs, workerId = randomUUID() }) =>
      filesSubscription(folderOf(queue), leaseMs, workerId, ended.signal),
    close: async () => ended.abort(),
    inspector,
    // A namespace holds no colon.
    workers: filesWorkers(join(root, `${namespace}:workers`), release),
  };
}
