import { randomUUID } from 'node:crypto';
import {
  type Broker,
  BROKER_DEFAULTS,
  type BrokerCapabilities,
  type BrokerOptions,
  checkNamespace,
  checkQueueName,
  type Diagnostics,
  type Envelope,
  type Inspector,
  type LimitStore,
  type MessageIndex,
  type PublishReceipt,
  type RecordStore,
  type ResultStore,
  ServerClock,
  type Signals,
  type StateStore,
  type SubscribeOptions,
  type Subscription,
  timerMs,
  type WorkerDirectory,
} from '@brokkr/core/adapter';
import { type Client, duplicateFor, subscriberFor } from './connection/connect.ts';
import { Connection } from './connection/connection.ts';
import { closedError } from './connection/redis-errors.ts';
import { checkServer, examineServer } from './connection/server-check.ts';
import { missingCommands, rightsFindings } from './connection/rights.ts';
import { serverOf } from './connection/server-of.ts';
import { serverTime } from './connection/server-time.ts';
import { Subscriber } from './connection/subscriber.ts';
import { Doorbells } from './consuming/doorbells.ts';
import { Lookout } from './consuming/lookout.ts';
import { RedisSubscription } from './consuming/redis-subscription.ts';
import { LeaseThread } from './lease-thread/lease-thread.ts';
import { RedisDiagnostics } from './inspecting/redis-diagnostics.ts';
import { RedisInspector } from './inspecting/redis-inspector.ts';
import { RedisMessageIndex } from './inspecting/redis-message-index.ts';
import { RedisWorkerDirectory } from './inspecting/redis-worker-directory.ts';
import { Keys } from './keys.ts';
import { RedisPublisher } from './publishing/redis-publisher.ts';
import { QueueCalls } from './queue-calls.ts';
import { RedisLimits } from './state/redis-limits.ts';
import { RedisRecords } from './state/redis-records.ts';
import { RedisResults } from './state/redis-results.ts';
import { RedisSignals } from './state/redis-signals.ts';
import { RedisStates } from './state/redis-states.ts';

/** Options of `RedisBroker`. Either `url` or `client` is required. */
export interface RedisBrokerOptions extends BrokerOptions {
  /** One of the forms of `TASK_BROKER_URL`. Give this or `client`. */
  readonly url?: string | undefined;
  /**
   * A client of ioredis whose server is used. The broker opens connections of its own with the address, login, TLS,
   * database and key prefix of this client, and never uses or closes it. Its other options do not matter.
   */
  readonly client?: Client | undefined;
}

/** From this number of queues on, idle queues are looked at in one call before each of them is claimed from. */
const MANY_QUEUES = 16;
const HUNDRED_YEARS_MS = 100 * 365 * 86_400_000;

/**
 * A broker on Redis 6.2 and newer: lists of ready messages, sorted sets of leases and delays in the server's time, and
 * one script for each move between them. `docs/redis.md` shows where a message is stored.
 *
 * @example
 * const broker = new RedisBroker({ url: 'redis://127.0.0.1:6379' });
 * await broker.publish([envelope]);
 * await broker.close();
 */
export class RedisBroker implements Broker {
  readonly capabilities: BrokerCapabilities = Object.freeze({
    persistent: true,
    ordered: true,
    maxDelayMs: HUNDRED_YEARS_MS,
    delayResolutionMs: 50,
    idempotency: true,
    collapse: true,
    counts: 'exact',
  });
  readonly inspector: Inspector;
  readonly messages: MessageIndex;
  readonly workers: Required<WorkerDirectory>;
  readonly signals: Signals;
  readonly results: ResultStore;
  readonly states: StateStore;
  readonly limits: LimitStore;
  readonly records: RecordStore;
  readonly diagnostics: Diagnostics;
  readonly #timeoutMs: number;
  readonly #logger: BrokerOptions['logger'];
  readonly #connection: Connection;
  readonly #keys: Keys;
  readonly #serverClock: ServerClock;
  readonly #publisher: RedisPublisher;
  readonly #lookout: Lookout;
  readonly #doorbells: Doorbells;
  readonly #subscriber: Subscriber;
  readonly #results: RedisResults;
  readonly #signals: RedisSignals;
  readonly #limits: RedisLimits;
  readonly #subscriptions = new Set<RedisSubscription>();
  /** `null`: it could not be started. */
  #leaseThread: LeaseThread | null | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Creates the broker; it connects at first use.
   *
   * @throws ConfigError if there is neither a URL nor a client (`BROKER_URL_INVALID`), one of them is invalid, `sendTimeoutMs` is not above 0 (`CONFIG_INVALID`), or the
   * namespace is not 1 to 60 characters of `A-Z a-z 0-9 . _ -` (`NAMESPACE_INVALID`)
   */
  constructor(options: RedisBrokerOptions) {
    const namespace = checkNamespace(options.namespace ?? BROKER_DEFAULTS.namespace);
    const { logger } = options;
    this.#logger = logger;
    this.#timeoutMs = timerMs(options.sendTimeoutMs ?? BROKER_DEFAULTS.sendTimeoutMs, 'new RedisBroker: sendTimeoutMs');
    this.#keys = new Keys(namespace);
    const { address, connect, allowEviction } = serverOf(options.url, options.client);
    const rightsKey = this.#keys.rights;
    const serverClock = new ServerClock(() => connection.call(serverTime));
    let hasWarned = false;
    const connection: Connection = new Connection({
      address,
      timeoutMs: this.#timeoutMs,
      connect,
      check: async (client) => {
        await serverClock.measure(() => serverTime(client));
        await checkServer(client, allowEviction, logger);
      },
      missingCommands: async (client) => {
        const missing = await missingCommands(client, rightsKey);
        // Once: they are asked for again while one is missing.
        if (!hasWarned) for (const { code, message } of rightsFindings(missing)) logger?.warn({ code }, message);
        hasWarned = missing.length > 0;
        return new Set(missing);
      },
    });
    this.#connection = connection;
    this.#serverClock = serverClock;
    const calls = new QueueCalls(connection, this.#keys, serverClock);
    this.#publisher = new RedisPublisher(calls, options.idempotencyTtlMs ?? BROKER_DEFAULTS.idempotencyTtlMs);
    this.#lookout = new Lookout(connection, this.#keys);
    this.#doorbells = new Doorbells({
      connection,
      keys: this.#keys,
      lookout: this.#lookout,
      connect: () => duplicateFor(connection.client),
      logger,
    });
    this.#subscriber = new Subscriber(() => subscriberFor(connection.client));
    this.#results = new RedisResults(calls, this.#subscriber);
    this.#signals = new RedisSignals(calls, this.#subscriber);
    this.signals = this.#signals;
    this.inspector = new RedisInspector(calls);
    this.messages = new RedisMessageIndex(calls);
    this.states = new RedisStates(calls);
    this.records = new RedisRecords(calls);
    this.results = this.#results;
    this.#limits = new RedisLimits(calls, (leaseMs) => this.#startLeaseThread(leaseMs));
    this.limits = this.#limits;
    this.workers = new RedisWorkerDirectory(calls);
    const examine = async (client: Client) => [
      ...(await examineServer(client, allowEviction)),
      ...rightsFindings(await missingCommands(client, rightsKey)),
    ];
    this.diagnostics = new RedisDiagnostics(calls, () => connection.call(examine, { unchecked: true }));
  }

  /** @throws BrokerUnavailableError if Redis is unreachable for `sendTimeoutMs`, full (`BROKER_FULL`) or closed */
  publish(envelopes: readonly Envelope[]): Promise<readonly PublishReceipt[]> {
    return this.#publisher.publish(envelopes);
  }

  async subscribe(queue: string, options: SubscribeOptions): Promise<Subscription> {
    if (this.#closing !== undefined) throw closedError();
    checkQueueName(queue);
    const key = this.#keys.queue(queue);
    const leaseMs = options.leaseMs ?? BROKER_DEFAULTS.leaseMs;
    const leaseThread = options.leaseThread === true ? this.#startLeaseThread(leaseMs) : undefined;
    const subscription = new RedisSubscription({
      queue,
      key,
      connection: this.#connection,
      serverClock: this.#serverClock,
      doorbell: this.#doorbells.doorbell(queue),
      passOn: () => this.#doorbells.passOn(queue),
      lookout: this.#lookout,
      hasManyQueues: () => this.#subscriptions.size >= MANY_QUEUES,
      leaseMs,
      guardedLeases: leaseThread?.open(key, leaseMs),
      prefetch: options.prefetch ?? BROKER_DEFAULTS.prefetch,
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

  /** Once: for the messages and for the slots of limits. @returns `undefined` if it cannot be started */
  #startLeaseThread(leaseMs: number): LeaseThread | undefined {
    if (this.#leaseThread === undefined && this.#closing === undefined) {
      const { client } = this.#connection;
      this.#leaseThread = LeaseThread.start({ client, leaseMs, logger: this.#logger }) ?? null;
    }
    return this.#leaseThread ?? undefined;
  }

  async #close(): Promise<void> {
    // After the timeout, messages that were claimed ahead are not released: their leases expire.
    const timer = setTimeout(() => this.#connection.close(), this.#timeoutMs);
    await Promise.all([this.#limits.close(), ...[...this.#subscriptions].map((subscription) => subscription.close())]);
    clearTimeout(timer);
    await this.#leaseThread?.close();
    this.#results.close();
    this.#signals.close();
    this.#subscriber.close();
    this.#doorbells.close();
    this.#connection.close();
  }
}
