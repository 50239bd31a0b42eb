import { randomUUID } from 'node:crypto';
import type {
  BrokerCapabilities,
  CancellingBroker,
  ElectingBroker,
  Envelope,
  InspectableBroker,
  Leadership,
  PeekState,
  PublishReceipt,
  QueueCounts,
  ReleasingBroker,
  ResultStore,
  StateStore,
  SubscribeOptions,
  Subscription,
} from '@brokkr/core';
import { BROKER_DEFAULTS } from '@brokkr/core/adapter';
import { closedError } from './closed-error.ts';
import type { MemoryBrokerOptions } from './memory-broker-options.ts';
import type { MemoryQueue } from './memory-queue.ts';
import { MemoryServer } from './memory-server.ts';
import { MemorySubscription } from './memory-subscription.ts';
import { handedOut, type StoredMessage } from './stored-message.ts';

/**
 * A broker that lives in this process and ends with it: the whole contract, in time you can set. The one to read
 * before writing your own.
 */
export class MemoryBroker
  implements InspectableBroker, CancellingBroker, ReleasingBroker, ElectingBroker, ResultStore, StateStore
{
  readonly capabilities: BrokerCapabilities;
  readonly #server: MemoryServer;
  readonly #subscriptions = new Set<MemorySubscription>();
  #closed = false;

  /**
   * @param server that keeps the messages, shared with others: `createBroker` gives one for `memory:name`, and the
   * options are that one's then. @default one of its own
   * @throws ConfigError naming an option that is unknown, or whose value is wrong
   */
  constructor(options: MemoryBrokerOptions = {}, server: MemoryServer = new MemoryServer(options)) {
    this.#server = server;
    server.join(this);
    this.capabilities = Object.freeze({
      persistent: false,
      ordered: true,
      maxDelayMs: server.maxDelayMs,
      delayResolutionMs: 50,
      idempotency: true,
      cancel: true,
      counts: 'exact',
    });
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /**
   * @throws BrokerUnavailableError when it is closed, or full (`BROKER_FULL`), ConfigError where a queue's name is none:
   * then nothing of the batch was stored
   */
  async publish(envelopes: readonly Envelope[]): Promise<readonly PublishReceipt[]> {
    this.#checkOpen();
    this.#server.checkRoom(envelopes.length);
    // All of them before anything is claimed or stored: one name that is none refuses its whole batch.
    const queues = envelopes.map(({ queue }) => this.#server.queue(queue));
    const receipts = envelopes.map((envelope, index): PublishReceipt => {
      const { id, idempotencyKey } = envelope;
      const holder = idempotencyKey === undefined ? id : this.#server.keys.claim(idempotencyKey, id);
      if (holder !== id) return { id: holder, isNew: false };
      (queues[index] as MemoryQueue).publish(envelope);
      return { id, isNew: true };
    });
    for (const queue of queues) queue.ring();
    return receipts;
  }

  async subscribe(name: string, options: SubscribeOptions): Promise<Subscription> {
    this.#checkOpen();
    const queue = this.#server.queue(name);
    const leases = queue.openLeases(options.workerId ?? randomUUID(), options.leaseMs ?? BROKER_DEFAULTS.leaseMs);
    const subscription: MemorySubscription = new MemorySubscription(queue, leases, {
      isBrokerClosed: () => this.#closed,
      onClose: () => this.#subscriptions.delete(subscription),
    });
    this.#subscriptions.add(subscription);
    return subscription;
  }

  /** What it held is handed over again once its leases are over, where others share its server. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const subscriptions = [...this.#subscriptions].map((subscription) => subscription.close());
    this.#server.leave(this);
    await Promise.all(subscriptions);
  }

  async queues(): Promise<readonly string[]> {
    return this.#server
      .queues()
      .filter((queue) => queue.isUsed)
      .map((queue) => queue.name);
  }

  async counts(queue: string): Promise<QueueCounts> {
    return this.#server.queue(queue).counts();
  }

  async peek(name: string, state: PeekState, limit: number): Promise<readonly Envelope[]> {
    const queue = this.#server.queue(name);
    if (state === 'dead') return first(queue.dead(), limit).map((letter) => handedOut(letter));
    const messages = state === 'ready' ? queue.ready() : queue.delayed();
    return first(messages, limit).map((message) => handedOut(message.envelope));
  }

  async take(name: string, limit: number, move: (envelopes: readonly Envelope[]) => Promise<void>): Promise<number> {
    const queue = this.#server.queue(name);
    const taken = first(queue.waiting(), limit);
    await move(taken.map((message) => this.#asOfNow(message)));
    // While they were stored elsewhere a worker may have started some: those are run here too, rather than lost.
    return taken.filter(({ envelope }) => queue.remove(envelope.id, 'purged')).length;
  }

  async redrive(name: string, ids: readonly string[] | 'all'): Promise<number> {
    const queue = this.#server.queue(name);
    const redriven = idsOf(queue, ids).filter((id) => queue.redrive(id)).length;
    queue.ring();
    return redriven;
  }

  async discard(name: string, ids: readonly string[] | 'all'): Promise<number> {
    const queue = this.#server.queue(name);
    return idsOf(queue, ids).filter((id) => queue.discard(id)).length;
  }

  async purge(name: string): Promise<number> {
    const queue = this.#server.queue(name);
    return [...queue.ready()].filter(({ envelope }) => queue.remove(envelope.id, 'purged')).length;
  }

  async cancel(name: string, ids: readonly string[]): Promise<readonly string[]> {
    const queue = this.#server.queue(name);
    return ids.filter((id) => queue.remove(id, 'cancelled'));
  }

  async releaseWorker(workerId: string): Promise<number> {
    return this.#server.queues().reduce((released, queue) => released + queue.releaseWorker(workerId), 0);
  }

  async unfinished(name: string, ids: readonly string[]): Promise<readonly string[]> {
    const queue = this.#server.queue(name);
    return ids.filter((id) => queue.isUnfinished(id));
  }

  async elect(name: string, { signal }: { readonly signal: AbortSignal }): Promise<Leadership | undefined> {
    this.#checkOpen();
    return this.#server.elections.elect(name, signal, this);
  }

  storeResult(id: string, result: Uint8Array, ttlMs: number): Promise<void> {
    return this.#server.results.storeResult(id, result, ttlMs);
  }

  /** @throws BrokerUnavailableError once it is closed, also where it waits then */
  async loadResult(id: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    this.#checkOpen();
    return this.#server.results.loadResult(id, signal, this);
  }

  async getState(key: string): Promise<string | undefined> {
    return this.#server.state.get(key);
  }

  async setState(key: string, value: string | undefined): Promise<void> {
    if (value === undefined) this.#server.state.delete(key);
    else this.#server.state.set(key, value);
  }

  /** The envelope with the time it still has to wait, by this host's clock. */
  #asOfNow({ envelope, state, dueAt, remainingDelayMs }: StoredMessage): Envelope {
    const { notBefore: _, ...rest } = handedOut(envelope);
    if (state !== 'delayed') return rest;
    const { clock } = this.#server;
    return { ...rest, notBefore: Math.ceil(clock.now() + dueAt - clock.monotonic() + remainingDelayMs) };
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError();
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
