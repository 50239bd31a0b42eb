import { randomUUID } from 'node:crypto';
import {
  type BrokerCapabilities,
  type BrokerOptions,
  type CancellingBroker,
  ConfigError,
  checkQueueName,
  deadLetterQueue,
  type Envelope,
  type InspectableBroker,
  type PeekState,
  type PublishReceipt,
  type QueueCounts,
  type ReleasingBroker,
  type ResultStore,
  redriveEnvelope,
  type StateStore,
  type SubscribeOptions,
  type Subscription,
} from '@brokkr/core';
import { type Client, connectTo, duplicateFor } from './connect.ts';
import { Connection, type Reply } from './connection.ts';
import { Doorbell } from './doorbell.ts';
import { decodeEnvelope, encodeEnvelope } from './envelope-codec.ts';
import { Keys } from './keys.ts';
import { closedError } from './redis-errors.ts';
import { RedisResults } from './redis-results.ts';
import { chunks, delayMs, RedisSubscription } from './redis-subscription.ts';
import { parseRedisUrl } from './redis-url.ts';
import { discard, redrive } from './scripts/dead-letters.ts';
import { count, peek } from './scripts/inspect.ts';
import { publish } from './scripts/publish.ts';
import { purge } from './scripts/purge.ts';
import { releaseWorker } from './scripts/release-worker.ts';
import { remove } from './scripts/remove.ts';
import type { Script } from './scripts/script.ts';
import { checkServer } from './server-check.ts';

export interface RedisBrokerOptions extends BrokerOptions {
  /** One of the forms of `TASK_BROKER_URL`; or give a client. */
  readonly url?: string | undefined;
  /** A client of yours, which stays yours to close. Connections that block are duplicates of it. */
  readonly client?: Client | undefined;
}

const defaults = { namespace: 'brokkr', idempotencyTtlMs: 86_400_000, sendTimeoutMs: 5_000, leaseMs: 30_000 } as const;
/** A blocking read ends after 5 s on the server: one that is silent for longer is dead. */
const BLOCKING_SILENCE_MS = 8_000;
const NAMESPACE = /^[A-Za-z0-9._:-]{1,120}$/;
/** Removed by one call of `purge`. */
const PURGE_BATCH = 500;
const HUNDRED_YEARS_MS = 100 * 365 * 86_400_000;

/**
 * A broker on Redis 6.2 and newer: lists of what is ready, sorted sets of leases and delays in the server's time, and
 * one script for each move between them. `docs/redis.md` shows where a message stands.
 */
export class RedisBroker implements InspectableBroker, CancellingBroker, ReleasingBroker, ResultStore, StateStore {
  readonly capabilities: BrokerCapabilities = Object.freeze({
    persistent: true,
    ordered: true,
    maxDelayMs: HUNDRED_YEARS_MS,
    delayResolutionMs: 50,
    idempotency: true,
    cancel: true,
    counts: 'exact',
  });
  readonly #connection: Connection;
  readonly #ownsClient: boolean;
  readonly #keys: Keys;
  readonly #keyTtl: string;
  readonly #patienceMs: number;
  readonly #results: RedisResults;
  readonly #announced = new Set<string>();
  readonly #subscriptions = new Set<RedisSubscription>();
  #closed = false;

  /** @throws ConfigError where there is neither a URL nor a client, the URL is none, or the namespace has other signs than A-Z a-z 0-9 . _ : - */
  constructor(options: RedisBrokerOptions) {
    const namespace = options.namespace ?? defaults.namespace;
    if (!NAMESPACE.test(namespace)) {
      throw new ConfigError('TASK_NAMESPACE: use 1 to 120 characters of A-Z a-z 0-9 . _ : -', {
        code: 'NAMESPACE_INVALID',
      });
    }
    this.#patienceMs = options.sendTimeoutMs ?? defaults.sendTimeoutMs;
    this.#keyTtl = String(Math.max(1, Math.ceil(options.idempotencyTtlMs ?? defaults.idempotencyTtlMs)));
    this.#keys = new Keys(namespace);
    this.#ownsClient = options.client === undefined;
    const target = options.url === undefined ? undefined : parseRedisUrl(options.url);
    const client = options.client ?? (target && connectTo(target, this.#patienceMs));
    if (client === undefined) {
      throw new ConfigError('new RedisBroker: give a url or a client', { code: 'BROKER_URL_INVALID' });
    }
    const allowEviction = target?.allowEviction ?? false;
    this.#connection = new Connection(client, (checked) => checkServer(checked, allowEviction, options.logger));
    this.#results = new RedisResults(this.#connection, this.#keys, this.#patienceMs, () => this.#duplicate(0));
  }

  /** @throws BrokerUnavailableError when Redis is away for longer than `sendTimeoutMs`, full (`BROKER_FULL`) or closed */
  async publish(envelopes: readonly Envelope[]): Promise<readonly PublishReceipt[]> {
    const batches = chunks(envelopes).flatMap(byQueue);
    if (batches.length === 1) return this.#publish(envelopes);
    const receipts = new Map<Envelope, PublishReceipt>();
    await Promise.all(
      batches.map(async (batch) => {
        const answers = await this.#publish(batch);
        for (const [index, envelope] of batch.entries()) receipts.set(envelope, answers[index] as PublishReceipt);
      }),
    );
    return envelopes.map((envelope) => receipts.get(envelope) as PublishReceipt);
  }

  async subscribe(queue: string, options: SubscribeOptions): Promise<Subscription> {
    if (this.#closed) throw closedError();
    checkQueueName(queue);
    await this.#announce(queue);
    const subscription = new RedisSubscription({
      queue,
      key: this.#keys.queue(queue),
      connection: this.#connection,
      doorbell: this.#doorbell(queue),
      leaseMs: options.leaseMs ?? defaults.leaseMs,
      workerId: options.workerId ?? randomUUID(),
      patienceMs: this.#patienceMs,
      onClose: () => this.#subscriptions.delete(subscription),
    });
    this.#subscriptions.add(subscription);
    return subscription;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const subscription of [...this.#subscriptions]) await subscription.close();
    this.#results.close();
    this.#connection.close();
    if (this.#ownsClient) this.#connection.client.disconnect();
  }

  async queues(): Promise<readonly string[]> {
    const names = await this.#call((client) => client.smembers(this.#keys.queues));
    const counts = await Promise.all(names.map((name) => this.counts(name)));
    return names.filter((_, index) => (counts[index]?.published ?? 0) > 0);
  }

  async counts(queue: string): Promise<QueueCounts> {
    const [ready, delayed, running, dead, published, acknowledged, discarded, purged, cancelled, expired] =
      (await this.#run(count, queue)) as readonly number[];
    return { ready, delayed, running, dead, published, acknowledged, discarded, purged, cancelled, expired };
  }

  async peek(queue: string, state: PeekState, limit: number): Promise<readonly Envelope[]> {
    return (await this.#peek(queue, state, limit)).map(({ envelope }) => envelope);
  }

  async take(queue: string, limit: number, move: (envelopes: readonly Envelope[]) => Promise<void>): Promise<number> {
    const ready = await this.#peek(queue, 'ready', limit);
    const delayed = await this.#peek(queue, 'delayed', limit - ready.length);
    const now = Date.now();
    const taken = [...ready, ...delayed].map(({ envelope, waitMs }): Envelope => {
      const { notBefore: _, ...rest } = envelope;
      return waitMs > 0 ? { ...rest, notBefore: now + waitMs } : rest;
    });
    await move(taken);
    // While they were stored elsewhere a worker may have started some: those are run here too, rather than lost.
    const removed = await this.#remove(
      queue,
      'purged',
      taken.map(({ id }) => id),
    );
    return removed.length;
  }

  async redrive(queue: string, ids: readonly string[] | 'all'): Promise<number> {
    const wanted = ids === 'all' ? undefined : new Set(ids);
    const letters = (await this.peek(queue, 'dead', Number.MAX_SAFE_INTEGER)).filter(
      ({ id }) => wanted?.has(id) ?? true,
    );
    const redriven = await Promise.all(
      chunks(letters).map((part) =>
        this.#run(
          redrive,
          queue,
          part.flatMap((dead) => [dead.id, encodeEnvelope(redriveEnvelope(dead, queue))]),
        ),
      ),
    );
    return sum(redriven);
  }

  async discard(queue: string, ids: readonly string[] | 'all'): Promise<number> {
    const named = ids === 'all' ? (await this.peek(queue, 'dead', Number.MAX_SAFE_INTEGER)).map(({ id }) => id) : ids;
    return sum(await Promise.all(chunks(named).map((part) => this.#run(discard, queue, part))));
  }

  async purge(queue: string): Promise<number> {
    // Not what producers send meanwhile: that could go on for ever.
    let left = (await this.counts(queue)).ready ?? 0;
    let purged = 0;
    while (left > 0) {
      const gone = (await this.#run(purge, queue, [String(Math.min(left, PURGE_BATCH))])) as number;
      if (gone === 0) break;
      purged += gone;
      left -= gone;
    }
    return purged;
  }

  async cancel(queue: string, ids: readonly string[]): Promise<readonly string[]> {
    return this.#remove(queue, 'cancelled', ids);
  }

  async releaseWorker(workerId: string): Promise<number> {
    const names = await this.#call((client) => client.smembers(this.#keys.queues));
    return sum(await Promise.all(names.map((name) => this.#run(releaseWorker, name, [workerId]))));
  }

  storeResult(id: string, result: Uint8Array, ttlMs: number): Promise<void> {
    return this.#results.storeResult(id, result, ttlMs);
  }

  loadResult(id: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    return this.#results.loadResult(id, signal);
  }

  async getState(key: string): Promise<string | undefined> {
    return (await this.#call((client) => client.hget(this.#keys.state, key))) ?? undefined;
  }

  async setState(key: string, value: string | undefined): Promise<void> {
    const { state } = this.#keys;
    await this.#call((client) => (value === undefined ? client.hdel(state, key) : client.hset(state, key, value)));
  }

  /** Of one queue, and small enough for one script call. */
  async #publish(envelopes: readonly Envelope[]): Promise<PublishReceipt[]> {
    const queue = envelopes[0]?.queue;
    if (queue === undefined) return [];
    checkQueueName(queue);
    if (!this.#announced.has(queue)) await this.#announce(queue);
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

  #doorbell(queue: string): Doorbell {
    const key = this.#keys.bell(queue);
    const passOn = () => {
      this.#call((client) => client.rpush(key, '1')).catch(() => undefined);
    };
    return new Doorbell(key, () => this.#duplicate(BLOCKING_SILENCE_MS), passOn);
  }

  #duplicate(silenceMs: number): Client {
    return duplicateFor(this.#connection.client, silenceMs);
  }

  async #peek(queue: string, state: PeekState, limit: number): Promise<{ envelope: Envelope; waitMs: number }[]> {
    if (limit <= 0) return [];
    const answer = (await this.#run(peek, queue, [state, String(limit)])) as readonly (number | Buffer)[];
    const holder = state === 'dead' ? deadLetterQueue(queue) : queue;
    const found: { envelope: Envelope; waitMs: number }[] = [];
    for (let at = 0; at < answer.length; at += 3) {
      const envelope = decodeEnvelope(String(answer[at]), holder, answer[at + 1] as Buffer);
      found.push({ envelope, waitMs: answer[at + 2] as number });
    }
    return found;
  }

  async #remove(queue: string, counter: 'purged' | 'cancelled', ids: readonly string[]): Promise<string[]> {
    const removed = await Promise.all(chunks(ids).map((part) => this.#run(remove, queue, [counter, ...part])));
    return removed.flatMap((part) => (part as readonly Buffer[]).map(String));
  }

  #run(script: Script, queue: string, args: readonly (string | Buffer)[] = []): Promise<Reply> {
    checkQueueName(queue);
    return this.#connection.run(script, this.#keys.queue(queue), args, { patienceMs: this.#patienceMs });
  }

  #call<T>(send: (client: Client) => Promise<T>): Promise<T> {
    return this.#connection.call(send, { patienceMs: this.#patienceMs });
  }
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

function sum(replies: readonly Reply[]): number {
  return replies.reduce<number>((total, reply) => total + (reply as number), 0);
}
