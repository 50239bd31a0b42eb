import { randomUUID } from 'node:crypto';
import {
  type Broker,
  BROKER_DEFAULTS,
  type BrokerCapabilities,
  checkSignal,
  type Elections,
  type Envelope,
  type Inspector,
  type MessageIndex,
  type PublishReceipt,
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
 * A broker that lives in this process and ends with it: the whole contract, in time that a test can move. Read it before
 * you write your own.
 */
export class MemoryBroker implements Broker {
  readonly capabilities: BrokerCapabilities;
  readonly inspector: Inspector;
  readonly messages: MessageIndex;
  readonly workers: Required<WorkerDirectory>;
  readonly results: ResultStore;
  readonly states: StateStore;
  readonly elections: Elections;
  readonly signals: Signals;
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
      counts: 'exact',
    });
    this.inspector = new MemoryInspector(server);
    this.messages = new MemoryMessages(server);
    this.states = new MemoryStates(server);
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
   * @throws BrokerUnavailableError when it is closed, or full (`BROKER_FULL`), ConfigError where a queue's name is none:
   * then nothing of the batch was stored
   */
  async publish(envelopes: readonly Envelope[]): Promise<readonly PublishReceipt[]> {
    this.#checkOpen();
    this.#server.checkRoom(envelopes.length);
    // All of them before anything is claimed or stored: one name that is none refuses its whole batch.
    const queues = envelopes.map(({ queue }) => this.#server.queue(queue));
    const receipts = envelopes.map((envelope, index): PublishReceipt => {
      const { id, idempotencyKey, idempotencyTtlMs } = envelope;
      const holder =
        idempotencyKey === undefined ? undefined : this.#server.keys.take(idempotencyKey, id, idempotencyTtlMs);
      if (holder !== undefined && holder !== id) return { id: holder, isNew: false };
      // A key that names this message: the repeat of a publish whose answer was lost. It may have ended since.
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

  /** What it held is handed over again once its leases are over, where others share its server. */
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
