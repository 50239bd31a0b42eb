import { watch } from 'node:fs';
import { type Delivery, deadLetterQueue, type Settlement, type Subscription } from '@brokkr/core';
import { type Entry, nextTurn, type QueueFolder } from './place.ts';

/** Changes that `fs.watch` does not tell (a delay or a lease that ends) are looked for this often. */
const LOOK_EVERY_MS = 25;

export class FilesSubscription implements Subscription {
  readonly #folder: QueueFolder;
  readonly #leaseMs: number;
  readonly #worker: string;
  readonly #held = new Map<string, Entry>();
  readonly #closing = new AbortController();

  constructor(folder: QueueFolder, leaseMs: number, worker: string) {
    this.#folder = folder;
    this.#leaseMs = leaseMs;
    this.#worker = worker;
  }

  async receive(
    limit: number,
    { signal, wait }: { readonly signal: AbortSignal; readonly wait: boolean },
  ): Promise<readonly Delivery[]> {
    while (!signal.aborted && !this.#closing.signal.aborted) {
      await this.#bringBack();
      const deliveries = await this.#claim(limit);
      if (deliveries.length > 0 || !wait) return deliveries;
      await this.#change(signal);
    }
    return [];
  }

  async settle(settlements: readonly Settlement[]): Promise<readonly Delivery[]> {
    const effects = await Promise.all(settlements.map((settlement) => this.#settleOne(settlement)));
    return settlements.filter((_, index) => !effects[index]).map(({ delivery }) => delivery);
  }

  async extend(deliveries: readonly Delivery[]): Promise<readonly Delivery[]> {
    const kept = await Promise.all(deliveries.map((delivery) => this.#renew(delivery)));
    return deliveries.filter((_, index) => kept[index] === undefined);
  }

  async close(): Promise<void> {
    this.#closing.abort();
  }

  /** What is due becomes ready, and so does what a dead consumer held. Whoever looks does it, for all. */
  async #bringBack(): Promise<void> {
    const now = Date.now();
    for (const entry of await this.#folder.list('delayed')) {
      if (entry.sort > now) break;
      await this.#folder.move(entry, { place: 'ready', sort: nextTurn() });
    }
    for (const entry of await this.#folder.list('held')) {
      if (entry.sort > now) break;
      await this.#folder.move(entry, { place: 'ready', sort: entry.turn, crashes: entry.crashes + 1, worker: '' });
    }
  }

  async #claim(limit: number): Promise<Delivery[]> {
    const deliveries: Delivery[] = [];
    for (const entry of await this.#folder.list('ready')) {
      if (deliveries.length === limit) break;
      const changes = {
        place: 'held',
        sort: Date.now() + this.#leaseMs,
        turn: entry.sort,
        fence: entry.fence + 1,
        worker: this.#worker,
      } as const;
      const held = await this.#folder.move(entry, changes);
      if (held === undefined) continue;
      this.#held.set(keyOf(held.id, held.fence), held);
      deliveries.push({ envelope: await this.#folder.read(held), fence: held.fence, crashes: held.crashes });
    }
    return deliveries;
  }

  /** Renewing is one rename: it fails where the lease was lost. */
  async #renew({ envelope, fence }: Delivery): Promise<Entry | undefined> {
    const key = keyOf(envelope.id, fence);
    const held = this.#held.get(key);
    if (held === undefined) return undefined;
    const now = Date.now();
    const renewed =
      held.sort > now ? await this.#folder.move(held, { sort: Math.max(now + this.#leaseMs, held.sort) }) : undefined;
    if (renewed === undefined) this.#held.delete(key);
    else this.#held.set(key, renewed);
    return renewed;
  }

  /** Whether it took effect. The renewal proves that the lease is ours, and gives time to store before forgetting. */
  async #settleOne(settlement: Settlement): Promise<boolean> {
    const held = await this.#renew(settlement.delivery);
    if (held === undefined) return false;
    this.#held.delete(keyOf(held.id, held.fence));
    const turn = nextTurn();
    switch (settlement.kind) {
      case 'ack':
      case 'expire':
        break;
      case 'release':
        return (await this.#folder.move(held, { place: 'ready', sort: held.turn, worker: '' })) !== undefined;
      case 'retry': {
        const dueAt = settlement.replacement.notBefore ?? 0;
        const later = dueAt > Date.now();
        await this.#folder.store(settlement.replacement, {
          ...held,
          place: later ? 'delayed' : 'ready',
          sort: later ? dueAt : turn,
          turn,
          worker: '',
        });
        break;
      }
      case 'dead-letter':
        await this.#folder.store(
          { ...settlement.replacement, queue: deadLetterQueue(settlement.delivery.envelope.queue) },
          { ...held, place: 'dead', sort: turn, turn, worker: '' },
        );
        break;
    }
    return this.#folder.remove(held);
  }

  /** Resolves when the folder may have changed. */
  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const watcher = watch(this.#folder.path('ready'), done).on('error', done);
      const timer = setTimeout(done, LOOK_EVERY_MS);
      const ends = [signal, this.#closing.signal];
      for (const end of ends) end.addEventListener('abort', done);
      function done(): void {
        watcher.close();
        clearTimeout(timer);
        for (const end of ends) end.removeEventListener('abort', done);
        resolve();
      }
    });
  }
}

function keyOf(id: string, fence: number): string {
  return `${fence}~${id}`;
}
