import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as brokkr from '@brokkr/core';
import { FilesSubscription } from './files-subscription.ts';
import { type Entry, nextTurn, QueueFolder } from './place.ts';

const TEN_YEARS_MS = 10 * 365 * 86_400_000;

/** A broker over a folder that the processes of one machine share. */
export class FilesBroker implements brokkr.InspectableBroker, brokkr.ReleasingBroker {
  readonly capabilities: brokkr.BrokerCapabilities = {
    persistent: true,
    ordered: true,
    maxDelayMs: TEN_YEARS_MS,
    delayResolutionMs: 200,
    idempotency: false,
    cancel: false,
    counts: 'ready-only',
  };
  readonly #root: string;
  readonly #subscriptions = new Set<FilesSubscription>();
  #closed = false;

  /** @param folder where queues are kept; @param namespace keeps applications apart */
  constructor(folder: string, namespace = 'brokkr') {
    this.#root = join(folder, namespace);
  }

  async publish(envelopes: readonly brokkr.Envelope[]): Promise<readonly brokkr.PublishReceipt[]> {
    if (this.#closed) throw new brokkr.BrokerUnavailableError('the files broker is closed', { code: 'BROKER_CLOSED' });
    const folders = new Map(
      await Promise.all(
        [...new Set(envelopes.map(({ queue }) => queue))].map(
          async (queue) => [queue, await this.#made(queue)] as const,
        ),
      ),
    );
    await Promise.all(envelopes.map((envelope) => folders.get(envelope.queue)?.store(envelope, fresh(envelope))));
    return envelopes.map(({ id }) => ({ id, isNew: true }));
  }

  async subscribe(
    queue: string,
    { leaseMs = 30_000, workerId = randomUUID() }: brokkr.SubscribeOptions,
  ): Promise<brokkr.Subscription> {
    const subscription = new FilesSubscription(await this.#made(queue), leaseMs, workerId);
    this.#subscriptions.add(subscription);
    return subscription;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.close()));
  }

  async queues(): Promise<readonly string[]> {
    return readdir(this.#root).catch(() => []);
  }

  async counts(queue: string): Promise<brokkr.QueueCounts> {
    const folder = this.#folder(queue);
    const [ready, delayed, running, dead] = await Promise.all(
      (['ready', 'delayed', 'held', 'dead'] as const).map(async (place) => (await folder.list(place)).length),
    );
    const gone = {
      published: undefined,
      acknowledged: undefined,
      discarded: undefined,
      purged: undefined,
      cancelled: undefined,
      expired: undefined,
    };
    return { ready, delayed, running, dead, ...gone };
  }

  async peek(queue: string, state: brokkr.PeekState, limit: number): Promise<readonly brokkr.Envelope[]> {
    const folder = this.#folder(queue);
    return Promise.all((await folder.list(state)).slice(0, limit).map((entry) => folder.read(entry)));
  }

  async take(
    queue: string,
    limit: number,
    move: (envelopes: readonly brokkr.Envelope[]) => Promise<void>,
  ): Promise<number> {
    const folder = this.#folder(queue);
    const entries = [...(await folder.list('ready')), ...(await folder.list('delayed'))].slice(0, limit);
    await move(await Promise.all(entries.map((entry) => folder.read(entry))));
    return count(entries, (entry) => folder.remove(entry));
  }

  async redrive(queue: string, ids: readonly string[] | 'all'): Promise<number> {
    const folder = this.#folder(queue);
    return count(await this.#letters(queue, ids), async (entry) => {
      const envelope = brokkr.redriveEnvelope(await folder.read(entry), queue);
      await folder.store(envelope, { ...fresh(envelope), fence: entry.fence });
      return folder.remove(entry);
    });
  }

  async discard(queue: string, ids: readonly string[] | 'all'): Promise<number> {
    return count(await this.#letters(queue, ids), (entry) => this.#folder(queue).remove(entry));
  }

  async purge(queue: string): Promise<number> {
    const folder = this.#folder(queue);
    return count(await folder.list('ready'), (entry) => folder.remove(entry));
  }

  async releaseWorker(workerId: string): Promise<number> {
    const released = await Promise.all(
      (await this.queues()).map(async (queue) => {
        const folder = this.#folder(queue);
        const held = (await folder.list('held')).filter(({ worker }) => worker === workerId);
        return count(
          held,
          async (entry) =>
            (await folder.move(entry, { place: 'ready', sort: entry.turn, crashes: entry.crashes + 1, worker: '' })) !==
            undefined,
        );
      }),
    );
    return released.reduce((sum, each) => sum + each, 0);
  }

  #folder(queue: string): QueueFolder {
    brokkr.checkQueueName(queue);
    return new QueueFolder(this.#root, queue);
  }

  async #made(queue: string): Promise<QueueFolder> {
    const folder = this.#folder(queue);
    await folder.make();
    return folder;
  }

  async #letters(queue: string, ids: readonly string[] | 'all'): Promise<Entry[]> {
    return (await this.#folder(queue).list('dead')).filter(({ id }) => ids === 'all' || ids.includes(id));
  }
}

/** Where a message that comes for the first time stands. */
function fresh({ id, notBefore = 0 }: brokkr.Envelope): Entry {
  const turn = nextTurn();
  const later = notBefore > Date.now();
  return {
    place: later ? 'delayed' : 'ready',
    sort: later ? notBefore : turn,
    turn,
    fence: 0,
    crashes: 0,
    id,
    worker: '',
  };
}

async function count(entries: readonly Entry[], act: (entry: Entry) => Promise<boolean>): Promise<number> {
  let done = 0;
  for (const entry of entries) if (await act(entry)) done++;
  return done;
}
