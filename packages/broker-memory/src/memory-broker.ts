import { randomUUID } from 'node:crypto';
import {
  type Broker,
  BROKER_DEFAULTS,
  type BrokerCapabilities,
  checkSignal,
  type Elections,
  type Envelope,
  type Inspector,
  type LimitStore,
  type MessageIndex,
  type PublishReceipt,
  type RecordStore,
  type ResultStore,
  type Signals,
  type StateStore,
  type SubscribeOptions,
  type Subscription,
  type WorkerDirectory,
} from '@brokkr/core/adapter';
import { closedError } from './closed-error.ts';
import type { MemoryBrokerOptions } from './memory-broker-options.ts';
import { MemoryInspector } from './memory-inspector.ts';
import { MemoryMessages } from './memory-messages.ts';
import type { MemoryQueue } from './memory-queue.ts';
import { MemoryServer } from './memory-server.ts';
import { MemoryStates } from './memory-states.ts';
import { MemorySubscription } from './memory-subscription.ts';

/**
 * A broker in the memory of this process, with the whole contract. It is the reference for broker authors, and for
 * tests, because its clock can be replaced. Its messages are lost when the process ends.
 * @example
 * const broker = new MemoryBroker();
 * await tm.initialize({ broker });
 */
export class MemoryBroker implements Broker {
  readonly capabilities: BrokerCapabilities;
  readonly inspector: Inspector;
  readonly messages: MessageIndex;
  readonly workers: Required<WorkerDirectory>;
  readonly results: ResultStore;
  readonly states: StateStore;
  readonly limits: LimitStore;
  readonly records: RecordStore;
  readonly elections: Elections;
  readonly signals: Signals;
  readonly #server: MemoryServer;
  readonly #subscriptions = new Set<MemorySubscription>();
  #closed = false;

  /**
   * @param server server that stores the messages, shared with other brokers; then its own options apply.
   * `createBroker` passes one for `memory:name`. @default a new one
   * @throws ConfigError (`CONFIG_INVALID`, `OPTION_UNKNOWN`) for an unknown or invalid option
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
      collapse: true,
      counts: 'exact',
    });
    this.inspector = new MemoryInspector(server);
    this.messages = new MemoryMessages(server);
    this.states = new MemoryStates(server);
    this.records = {
      read: async (key, fields) => {
        this.#checkOpen();
        return server.records.read(key, fields);
      },
      change: async (changes) => {
        this.#checkOpen();
        return server.records.change(changes);
      },
    };
    this.workers = server.workers;
    this.signals = {
      lossless: true,
      send: async (signal) => {
        this.#checkOpen();
        checkSignal(signal);
        server.signals.send(signal);
      },
      listen: async (listener) => {
        this.#checkOpen();
        const stop = server.signals.listen(this, listener);
        return async () => stop();
      },
    };
    this.results = {
      storesWithSettlement: true,
      store: async (id, result, ttlMs, { onlyIfNone } = {}) => server.results.store(id, result, ttlMs, onlyIfNone),
      load: async (id, signal) => {
        this.#checkOpen();
        return server.results.load(id, signal, this);
      },
    };
    const counted = async <T>(call: (limits: MemoryServer['limits']) => Promise<T>): Promise<T> => {
      this.#checkOpen();
      return call(server.limits);
    };
    this.limits = {
      acquire: (requests, asked) => counted((limits) => limits.acquire(requests, asked)),
      renew: (permits, leaseMs) => counted((limits) => limits.renew(permits, leaseMs)),
      release: (permits, asked) => counted((limits) => limits.release(permits, asked)),
      call: (lines) => counted((limits) => limits.call(lines)),
      waiting: () => counted((limits) => limits.waiting()),
      hold: (limit, key, ms) => counted((limits) => limits.hold(limit, key, ms)),
      usage: () => counted((limits) => limits.usage()),
      reschedule: (limit, rule) => counted((limits) => limits.reschedule(limit, rule)),
    };
    this.elections = {
      elect: async (name, { signal }) => {
        this.#checkOpen();
        return server.elections.elect(name, signal, this);
      },
    };
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /**
   * @throws BrokerUnavailableError if it is closed (`BROKER_CLOSED`) or full (`BROKER_FULL`): nothing was stored
   * @throws ConfigError for an invalid queue name: nothing of the batch was stored
   */
  async publish(envelopes: readonly Envelope[]): Promise<readonly PublishReceipt[]> {
    this.#checkOpen();
    this.#server.checkRoom(envelopes.length);
    // All queues are resolved before a key is claimed or a message stored: one invalid name refuses the whole batch.
    const queues = envelopes.map(({ queue }) => this.#server.queue(queue));
    const receipts = envelopes.map((envelope, index): PublishReceipt => {
      const { id, queue, idempotencyKey, collapse } = envelope;
      if (collapse !== undefined) return (queues[index] as MemoryQueue).collapsing.publish(envelope, collapse);
      const holder = idempotencyKey === undefined ? undefined : this.#server.keys.take(idempotencyKey, envelope);
      if (holder !== undefined && holder.id !== id)
        return { id: holder.id, isNew: false, ...(holder.queue !== queue && { queue: holder.queue }) };
      // A key that names this message: the repeat of a publish whose answer was lost. The message may have ended since.
      if (holder === undefined) (queues[index] as MemoryQueue).publish(envelope);
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
      storeResult: (id, { bytes, ttlMs }) => this.#server.results.store(id, bytes, ttlMs),
    });
    this.#subscriptions.add(subscription);
    return subscription;
  }

  /** Messages that it held are delivered again when their leases expire, if other brokers share its server. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const subscriptions = [...this.#subscriptions].map((subscription) => subscription.close());
    this.#server.leave(this);
    await Promise.all(subscriptions);
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError();
  }
}
