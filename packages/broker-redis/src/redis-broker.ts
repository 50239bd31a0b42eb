import { randomUUID } from 'node:crypto';
import {
  type Broker,
  type BrokerCapabilities,
  type BrokerOptions,
  checkQueueName,
  ConfigError,
  type Diagnostics,
  type Envelope,
  type Inspector,
  type MessageIndex,
  type PublishReceipt,
  type ResultStore,
  type StateStore,
  type SubscribeOptions,
  type Subscription,
  type WorkerDirectory,
} from '@brokkr/core/adapter';
import { type Client, duplicateFor } from './connection/connect.ts';
import { Connection } from './connection/connection.ts';
import { Doorbells } from './consuming/doorbells.ts';
import { Keys } from './keys.ts';
import { closedError } from './connection/redis-errors.ts';
import { RedisDiagnostics } from './inspecting/redis-diagnostics.ts';
import { RedisInspector } from './inspecting/redis-inspector.ts';
import { RedisMessageIndex } from './inspecting/redis-message-index.ts';
import { RedisWorkerDirectory } from './inspecting/redis-worker-directory.ts';
import { RedisPublisher } from './publishing/redis-publisher.ts';
import { QueueCalls } from './queue-calls.ts';
import { RedisResults } from './state/redis-results.ts';
import { RedisStates } from './state/redis-states.ts';
import { RedisSubscription } from './consuming/redis-subscription.ts';
import { serverOf } from './connection/server-of.ts';
import { checkServer, examineServer } from './connection/server-check.ts';

export interface RedisBrokerOptions extends BrokerOptions {
  /** One of the forms of `TASK_BROKER_URL`; or give a client. */
  readonly url?: string | undefined;
  /**
   * A client of ioredis whose server is used. The broker opens connections of its own with the address, login, TLS,
   * database and key prefix of this client, and never uses or closes it. Its other options do not matter.
   */
  readonly client?: Client | undefined;
}

const defaults = { namespace: 'brokkr', idempotencyTtlMs: 86_400_000, sendTimeoutMs: 5_000, leaseMs: 30_000 } as const;
const NAMESPACE = /^[A-Za-z0-9._-]{1,60}$/;
const HUNDRED_YEARS_MS = 100 * 365 * 86_400_000;

/**
 * A broker on Redis 6.2 and newer: lists of what is ready, sorted sets of leases and delays in the server's time, and
 * one script for each move between them. `docs/redis.md` shows where a message stands.
 */
export class RedisBroker implements Broker {
  readonly capabilities: BrokerCapabilities = Object.freeze({
    persistent: true,
    ordered: true,
    maxDelayMs: HUNDRED_YEARS_MS,
    delayResolutionMs: 50,
    idempotency: true,
    counts: 'exact',
  });
  readonly inspector: Inspector;
  readonly messages: MessageIndex;
  readonly workers: WorkerDirectory;
  readonly results: ResultStore;
  readonly states: StateStore;
  readonly diagnostics: Diagnostics;
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #timeoutMs: number;
  readonly #doorbells: Doorbells;
  readonly #publisher: RedisPublisher;
  readonly #results: RedisResults;
  readonly #subscriptions = new Set<RedisSubscription>();
  #closing: Promise<void> | undefined;

  /** @throws ConfigError where there is neither a URL nor a client, the URL is none, or the namespace is not 1 to 60 of A-Z a-z 0-9 . _ - */
  constructor(options: RedisBrokerOptions) {
    const namespace = options.namespace ?? defaults.namespace;
    if (!NAMESPACE.test(namespace)) {
      throw new ConfigError('TASK_NAMESPACE: use 1 to 60 characters of A-Z a-z 0-9 . _ -', {
        code: 'NAMESPACE_INVALID',
      });
    }
    this.#timeoutMs = options.sendTimeoutMs ?? defaults.sendTimeoutMs;
    this.#keys = new Keys(namespace);
    const { logger } = options;
    const { address, connect, allowEviction } = serverOf(options.url, options.client, this.#timeoutMs);
    this.#connection = new Connection({
      address,
      timeoutMs: this.#timeoutMs,
      connect,
      check: (checked) => checkServer(checked, allowEviction, logger),
    });
    const duplicate = () => duplicateFor(this.#connection.client);
    this.#doorbells = new Doorbells({ connection: this.#connection, keys: this.#keys, connect: duplicate, logger });
    const calls = new QueueCalls(this.#connection, this.#keys);
    this.#publisher = new RedisPublisher(calls, options.idempotencyTtlMs ?? defaults.idempotencyTtlMs);
    this.inspector = new RedisInspector(calls);
    this.messages = new RedisMessageIndex(calls);
    this.states = new RedisStates(calls);
    this.#results = new RedisResults(calls, duplicate);
    this.results = this.#results;
    this.workers = new RedisWorkerDirectory(calls);
    this.diagnostics = new RedisDiagnostics(calls, () =>
      this.#connection.call((checked) => examineServer(checked, allowEviction), { unchecked: true }),
    );
  }

  /** @throws BrokerUnavailableError when Redis is away for longer than `sendTimeoutMs`, full (`BROKER_FULL`) or closed */
  publish(envelopes: readonly Envelope[]): Promise<readonly PublishReceipt[]> {
    return this.#publisher.publish(envelopes);
  }

  async subscribe(queue: string, options: SubscribeOptions): Promise<Subscription> {
    if (this.#closing !== undefined) throw closedError();
    checkQueueName(queue);
    const subscription = new RedisSubscription({
      queue,
      key: this.#keys.queue(queue),
      connection: this.#connection,
      doorbell: this.#doorbells.doorbell(queue),
      passOn: () => this.#doorbells.passOn(queue),
      leaseMs: options.leaseMs ?? defaults.leaseMs,
      prefetch: options.prefetch ?? 1,
      workerId: options.workerId ?? randomUUID(),
      onClose: () => this.#subscriptions.delete(subscription),
    });
    this.#subscriptions.add(subscription);
    return subscription;
  }

  /** Never rejects. Ends within `sendTimeoutMs`, also if the server hangs. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // After the timeout, messages that were claimed ahead are not given back: their leases expire.
    const timer = setTimeout(() => this.#connection.close(), this.#timeoutMs);
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.close()));
    clearTimeout(timer);
    this.#results.close();
    this.#doorbells.close();
    this.#connection.close();
  }
}
