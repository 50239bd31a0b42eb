import { randomUUID } from 'node:crypto';
import {
  type BrokerCapabilities,
  BrokerUnavailableError,
  type CancellingBroker,
  type Clock,
  checkQueueName,
  type ElectingBroker,
  type Envelope,
  type InspectableBroker,
  type Leadership,
  type PeekState,
  type PublishReceipt,
  type QueueCounts,
  type ReleasingBroker,
  type ResultStore,
  type StateStore,
  type SubscribeOptions,
  type Subscription,
  systemClock,
} from '@brokkr/core';
import { closedError } from './closed-error.ts';
import { IdempotencyKeys } from './idempotency-keys.ts';
import { MemoryElections } from './memory-elections.ts';
import { MemoryQueue } from './memory-queue.ts';
import { MemoryResults } from './memory-results.ts';
import { MemorySubscription } from './memory-subscription.ts';
import { handedOut, type StoredMessage } from './stored-message.ts';

/** What a memory broker takes. It needs no namespace: what one object keeps, no other sees. */
export interface MemoryBrokerOptions {
  /** Where leases, delays and life times get their time from. @default the system's */
  readonly clock?: Clock | undefined;
  /** Messages it keeps, dead ones too; `publish` refuses more. @default 10_000_000 */
  readonly maxMessages?: number | undefined;
  /** Longest delay it waits for at once, milliseconds; longer ones travel in hops. @default ten years */
  readonly maxDelayMs?: number | undefined;
  /** Life of an idempotency key, milliseconds. @default 24 h */
  readonly idempotencyTtlMs?: number | undefined;
}

const defaults = {
  maxMessages: 10_000_000,
  maxDelayMs: 10 * 365 * 86_400_000,
  idempotencyTtlMs: 86_400_000,
  leaseMs: 30_000,
} as const;

/**
 * A broker that lives in this process and ends with it: the whole contract, in time you can set. The one to read
 * before writing your own.
 */
export class MemoryBroker
  implements InspectableBroker, CancellingBroker, ReleasingBroker, ElectingBroker, ResultStore, StateStore
{
  readonly capabilities: BrokerCapabilities;
  readonly #clock: Clock;
  readonly #maxMessages: number;
  readonly #maxDelayMs: number;
  readonly #queues = new Map<string, MemoryQueue>();
  readonly #keys: IdempotencyKeys;
  readonly #results: MemoryResults;
  readonly #state = new Map<string, string>();
  readonly #elections = new MemoryElections();
  #fence = 0;
  #closed = false;

  constructor(options: MemoryBrokerOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#maxMessages = options.maxMessages ?? defaults.maxMessages;
    this.#maxDelayMs = options.maxDelayMs ?? defaults.maxDelayMs;
    this.#keys = new IdempotencyKeys(this.#clock, options.idempotencyTtlMs ?? defaults.idempotencyTtlMs);
    this.#results = new MemoryResults(this.#clock);
    this.capabilities = Object.freeze({
      persistent: false,
      ordered: true,
      maxDelayMs: this.#maxDelayMs,
      delayResolutionMs: 50,
      idempotency: true,
      cancel: true,
      counts: 'exact',
    });
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** @throws BrokerUnavailableError when it is closed, or full (`BROKER_FULL`): then nothing of the batch was stored */
  async publish(envelopes: readonly Envelope[]): Promise<readonly PublishReceipt[]> {
    this.#checkOpen();
    this.#checkRoom(envelopes.length);
    const touched = new Set<MemoryQueue>();
    const receipts = envelopes.map((envelope): PublishReceipt => {
      const { id, idempotencyKey } = envelope;
      const holder = idempotencyKey === undefined ? id : this.#keys.claim(idempotencyKey, id);
      if (holder !== id) return { id: holder, isNew: false };
      const queue = this.#queue(envelope.queue);
      queue.publish(envelope);
      touched.add(queue);
      return { id, isNew: true };
    });
    for (const queue of touched) queue.ring();
    return receipts;
  }

  async subscribe(name: string, options: SubscribeOptions): Promise<Subscription> {
    this.#checkOpen();
    const queue = this.#queue(name);
    const leases = queue.openLeases(options.workerId ?? randomUUID(), options.leaseMs ?? defaults.leaseMs);
    return new MemorySubscription(queue, leases, () => this.#closed);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const queue of this.#queues.values()) queue.close();
    this.#results.close();
    this.#elections.close();
  }

  async queues(): Promise<readonly string[]> {
    return [...this.#queues.values()].filter((queue) => queue.isUsed).map((queue) => queue.name);
  }

  async counts(queue: string): Promise<QueueCounts> {
    return this.#queue(queue).counts();
  }

  async peek(name: string, state: PeekState, limit: number): Promise<readonly Envelope[]> {
    const queue = this.#queue(name);
    if (state === 'dead') return first(queue.dead(), limit).map((letter) => handedOut(letter));
    const messages = state === 'ready' ? queue.ready() : queue.delayed();
    return first(messages, limit).map((message) => handedOut(message.envelope));
  }

  async take(name: string, limit: number, move: (envelopes: readonly Envelope[]) => Promise<void>): Promise<number> {
    const queue = this.#queue(name);
    const taken = first(queue.waiting(), limit);
    await move(taken.map((message) => this.#asOfNow(message)));
    // While they were stored elsewhere a worker may have started some: those are run here too, rather than lost.
    return taken.filter(({ envelope }) => queue.remove(envelope.id, 'purged')).length;
  }

  async redrive(name: string, ids: readonly string[] | 'all'): Promise<number> {
    const queue = this.#queue(name);
    const redriven = idsOf(queue, ids).filter((id) => queue.redrive(id)).length;
    queue.ring();
    return redriven;
  }

  async discard(name: string, ids: readonly string[] | 'all'): Promise<number> {
    const queue = this.#queue(name);
    return idsOf(queue, ids).filter((id) => queue.discard(id)).length;
  }

  async purge(name: string): Promise<number> {
    const queue = this.#queue(name);
    return [...queue.ready()].filter(({ envelope }) => queue.remove(envelope.id, 'purged')).length;
  }

  async cancel(name: string, ids: readonly string[]): Promise<readonly string[]> {
    const queue = this.#queue(name);
    return ids.filter((id) => queue.remove(id, 'cancelled'));
  }

  async releaseWorker(workerId: string): Promise<number> {
    return [...this.#queues.values()].reduce((released, queue) => released + queue.releaseWorker(workerId), 0);
  }

  async unfinished(name: string, ids: readonly string[]): Promise<readonly string[]> {
    const queue = this.#queue(name);
    return ids.filter((id) => queue.isUnfinished(id));
  }

  async elect(name: string, { signal }: { readonly signal: AbortSignal }): Promise<Leadership | undefined> {
    this.#checkOpen();
    return this.#elections.elect(name, signal);
  }

  storeResult(id: string, result: Uint8Array, ttlMs: number): Promise<void> {
    return this.#results.storeResult(id, result, ttlMs);
  }

  loadResult(id: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    return this.#results.loadResult(id, signal);
  }

  async getState(key: string): Promise<string | undefined> {
    return this.#state.get(key);
  }

  async setState(key: string, value: string | undefined): Promise<void> {
    if (value === undefined) this.#state.delete(key);
    else this.#state.set(key, value);
  }

  #queue(name: string): MemoryQueue {
    const known = this.#queues.get(name);
    if (known !== undefined) return known;
    checkQueueName(name);
    const queue = new MemoryQueue(name, this.#clock, this.#maxDelayMs, () => ++this.#fence);
    this.#queues.set(name, queue);
    return queue;
  }

  /** The envelope with the time it still has to wait, by this host's clock. */
  #asOfNow({ envelope, state, dueAt, remainingDelayMs }: StoredMessage): Envelope {
    const { notBefore: _, ...rest } = handedOut(envelope);
    if (state !== 'delayed') return rest;
    return { ...rest, notBefore: Math.ceil(this.#clock.now() + dueAt - this.#clock.monotonic() + remainingDelayMs) };
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError();
  }

  #checkRoom(wanted: number): void {
    let kept = 0;
    for (const queue of this.#queues.values()) kept += queue.size;
    if (kept + wanted <= this.#maxMessages) return;
    throw new BrokerUnavailableError(
      `the memory broker is full: it keeps ${kept} of ${this.#maxMessages} messages (maxMessages)`,
      {
        code: 'BROKER_FULL',
      },
    );
  }
}

function first<T>(items: Iterable<T>, limit: number): T[] {
  const taken: T[] = [];
  for (const item of items) {
    if (taken.length >= limit) break;
    taken.push(item);
  }
  return taken;
}

function idsOf(queue: MemoryQueue, ids: readonly string[] | 'all'): readonly string[] {
  return ids === 'all' ? [...queue.dead()].map(({ id }) => id) : ids;
}
