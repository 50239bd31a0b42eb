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
import { failpoint } from '@brokkr/core/failpoints';
import { batches } from './batches.ts';
import { type Client, duplicateFor } from './connection/connect.ts';
import { type Arguments, Connection } from './connection/connection.ts';
import { delayMs } from './delay.ts';
import { Doorbells } from './consuming/doorbells.ts';
import { encodeEnvelope } from './envelope-codec.ts';
import { IdempotencySlots } from './publishing/idempotency-slots.ts';
import { Keys } from './keys.ts';
import { closedError } from './connection/redis-errors.ts';
import { RedisInspector } from './inspecting/redis-inspector.ts';
import { RedisResults } from './state/redis-results.ts';
import { RedisStates } from './state/redis-states.ts';
import { Lookout } from './consuming/lookout.ts';
import { RedisSubscription } from './consuming/redis-subscription.ts';
import { serverOf } from './connection/server-of.ts';
import { append } from './scripts/append.ts';
import { publish } from './scripts/publish.ts';
import { releaseWorker } from './scripts/release-worker.ts';
import type { Reply, Script } from './scripts/script.ts';
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
/** From so many queues on, idle ones are looked at together before each of them is claimed from. */
const MANY_QUEUES = 16;
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
  readonly #keyTtl: string;
  readonly #slots: IdempotencySlots;
  readonly #timeoutMs: number;
  readonly #lookout: Lookout;
  readonly #doorbells: Doorbells;
  readonly #results: RedisResults;
  readonly #announced = new Set<string>();
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
    this.#keyTtl = String(Math.max(1, Math.ceil(options.idempotencyTtlMs ?? defaults.idempotencyTtlMs)));
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
    const lookout = new Lookout(this.#connection, this.#keys);
    this.#lookout = lookout;
    this.#doorbells = new Doorbells({
      connection: this.#connection,
      keys: this.#keys,
      lookout,
      connect: duplicate,
      logger,
    });
    this.#slots = new IdempotencySlots(this.#connection, this.#keys, this.#keyTtl);
    const inspector = new RedisInspector(this.#connection, this.#keys);
    this.inspector = inspector;
    this.messages = {
      cancel: (queue, ids) => inspector.remove(queue, 'cancelled', ids),
      unfinished: (queue, ids) => inspector.unfinished(queue, ids),
    };
    this.states = new RedisStates(this.#connection, this.#keys);
    this.#results = new RedisResults(this.#connection, this.#keys, duplicate);
    this.results = this.#results;
    this.workers = { release: (workerId) => this.#releaseWorker(workerId) };
    this.diagnostics = {
      diagnose: () => this.#connection.call((checked) => examineServer(checked, allowEviction), { unchecked: true }),
    };
  }

  /** @throws BrokerUnavailableError when Redis is away for longer than `sendTimeoutMs`, full (`BROKER_FULL`) or closed */
  async publish(envelopes: readonly Envelope[]): Promise<readonly PublishReceipt[]> {
    // All of them first: a batch with a queue that is none stores nothing.
    for (const { queue } of envelopes) if (!this.#announced.has(queue)) checkQueueName(queue);
    if (envelopes.every(({ idempotencyKey }) => idempotencyKey === undefined)) return this.#publishAll(envelopes);
    const routed = await this.#slots.route(envelopes);
    failpoint('enqueue.after-key-before-publish');
    const receipts = await this.#publishAll(routed.envelopes);
    await this.#slots.renew(routed, receipts);
    return receipts;
  }

  async #publishAll(envelopes: readonly Envelope[]): Promise<readonly PublishReceipt[]> {
    const calls = batches(envelopes).flatMap(byQueue);
    if (calls.length <= 1) return this.#publish(envelopes);
    const receipts = new Map<Envelope, PublishReceipt>();
    await Promise.all(
      calls.map(async (batch) => {
        const answers = await this.#publish(batch);
        for (const [index, envelope] of batch.entries()) receipts.set(envelope, answers[index] as PublishReceipt);
      }),
    );
    return envelopes.map((envelope) => receipts.get(envelope) as PublishReceipt);
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
      lookout: this.#lookout,
      hasManyQueues: () => this.#subscriptions.size >= MANY_QUEUES,
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

  async #releaseWorker(workerId: string): Promise<number> {
    const names = await this.#call((client) => client.smembers(this.#keys.queues));
    const released = await Promise.all(names.map((name) => this.#run(releaseWorker, name, [workerId])));
    return released.reduce<number>((total, count) => total + (count as number), 0);
  }

  /** Of one queue, and small enough for one script call. */
  async #publish(envelopes: readonly Envelope[]): Promise<PublishReceipt[]> {
    const queue = envelopes[0]?.queue;
    if (queue === undefined) return [];
    if (!this.#announced.has(queue)) await this.#announce(queue);
    if (envelopes.every(isPlain)) {
      await this.#run(append, queue, { messages: envelopes });
      return envelopes.map(({ id }) => ({ id, isNew: true }));
    }
    const args: (string | Buffer)[] = [this.#keyTtl];
    for (const envelope of envelopes) {
      args.push(envelope.id, encodeEnvelope(envelope));
      args.push(String(delayMs(envelope.notBefore)), envelope.idempotencyKey ?? '');
    }
    const known = (await this.#run(publish, queue, args)) as readonly (number | Buffer)[];
    const receipts = envelopes.map(({ id }): PublishReceipt => ({ id, isNew: true }));
    for (let at = 0; at < known.length; at += 2) {
      receipts[(known[at] as number) - 1] = { id: String(known[at + 1]), isNew: false };
    }
    return receipts;
  }

  /** Puts the queue on the list of those that exist; before its first message, so that none stands where nobody looks. */
  async #announce(queue: string): Promise<void> {
    await this.#call((client) => client.sadd(this.#keys.queues, queue));
    this.#announced.add(queue);
  }

  #run(script: Script, queue: string, args: Arguments = []): Promise<Reply> {
    checkQueueName(queue);
    return this.#connection.run(script, this.#keys.queue(queue), args);
  }

  #call<T>(send: (client: Client) => Promise<T>): Promise<T> {
    return this.#connection.call(send);
  }
}

/** To be run at once, whatever was sent before. */
function isPlain({ notBefore, idempotencyKey }: Envelope): boolean {
  return notBefore === undefined && idempotencyKey === undefined;
}

/** One list for each queue; the list itself where there is one queue only. */
function byQueue(envelopes: readonly Envelope[]): (readonly Envelope[])[] {
  const first = envelopes[0]?.queue;
  if (envelopes.every(({ queue }) => queue === first)) return [envelopes];
  const queues = new Map<string, Envelope[]>();
  for (const envelope of envelopes) {
    const batch = queues.get(envelope.queue);
    if (batch === undefined) queues.set(envelope.queue, [envelope]);
    else batch.push(envelope);
  }
  return [...queues.values()];
}
