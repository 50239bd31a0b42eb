import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as brokkr from '@brokkr/core/adapter';
import { filesSubscription } from './files-subscription.ts';
import { change, list, type MessageFile, make, read, remove, store } from './message-file.ts';

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

  async function standing(queue: string, state: brokkr.PeekState | 'running'): Promise<MessageFile[]> {
    if (state === 'dead') return list(folderOf(queue), 'dead');
    const now = Date.now();
    const stateOf = ({ visibleAt, worker }: MessageFile) =>
      visibleAt <= now ? 'ready' : worker === '' ? 'delayed' : 'running';
    return (await list(folderOf(queue), 'live')).filter((file) => stateOf(file) === state);
  }

  async function letters(queue: string, ids: readonly string[] | 'all'): Promise<MessageFile[]> {
    return (await standing(queue, 'dead')).filter(({ id }) => ids === 'all' || ids.includes(id));
  }

  const inspector: brokkr.Inspector = {
    queues: () => readdir(join(root, namespace)).catch(() => []),
    async counts(queue) {
      const states = ['ready', 'delayed', 'running', 'dead'] as const;
      const found = await Promise.all(states.map(async (state) => (await standing(queue, state)).length));
      return { ready: found[0], delayed: found[1], running: found[2], dead: found[3] };
    },
    peek: async (queue, state, limit) => contents((await standing(queue, state)).slice(0, limit)),
    async take(queue, limit, move) {
      const files = [...(await standing(queue, 'ready')), ...(await standing(queue, 'delayed'))].slice(0, limit);
      await move(await contents(files));
      return howMany(files.map(remove));
    },
    async redrive(queue, ids) {
      const files = await letters(queue, ids);
      for (const file of files) {
        const letter = await read(file);
        if (letter !== undefined)
          await store(brokkr.redriveEnvelope(letter, queue, Date.now()), { ...file, place: 'live', crashes: 0 });
      }
      return howMany(files.map(remove));
    },
    discard: async (queue, ids) => howMany((await letters(queue, ids)).map(remove)),
    purge: async (queue) => howMany((await standing(queue, 'ready')).map(remove)),
  };

  const workers: brokkr.WorkerDirectory = {
    /** Ends the leases. The worker that takes the messages next counts the crash. */
    async release(workerId) {
      const running = await Promise.all((await inspector.queues()).map((queue) => standing(queue, 'running')));
      const held = running.flat().filter(({ worker }) => worker === workerId);
      return howMany(held.map((file) => change(file, { visibleAt: 0 })));
    },
  };

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
    workers,
  };
}

async function contents(files: readonly MessageFile[]): Promise<brokkr.Envelope[]> {
  return (await Promise.all(files.map(read))).filter((envelope) => envelope !== undefined);
}

async function howMany(changes: readonly Promise<MessageFile | undefined>[]): Promise<number> {
  return (await Promise.all(changes)).filter((file) => file !== undefined).length;
}
