import {
  type Broker,
  BROKER_DEFAULTS,
  type BrokerCapabilities,
  type BrokerOptions,
  type BrokerUnavailableError,
  type BrokkrError,
  checkNamespace,
  checkQueueName,
  type Diagnostics,
  type Elections,
  type Envelope,
  type Finding,
  type Inspector,
  PartlyStoredError,
  type PublishReceipt,
  type ServerClock,
  type Signals,
  type StateStore,
  type SubscribeOptions,
  type Subscription,
  timerMs,
  type WorkerDirectory,
} from '@brokkr/core/adapter';
import { AmqpSignals } from './broadcasting/amqp-signals.ts';
import { AmqpWorkers } from './broadcasting/amqp-workers.ts';
import { clockDifference, serverClock } from './clock/server-clock.ts';
import { closedError } from './connection/amqp-errors.ts';
import { AmqpInspector } from './inspecting/amqp-inspector.ts';
import { examineArguments } from './inspecting/examine-arguments.ts';
import { examineDeadLetters } from './inspecting/examine-dead-letters.ts';
import { AmqpSubscription } from './consuming/amqp-subscription.ts';
import { BlockWatch } from './consuming/block-watch.ts';
import { type AmqpTarget, parseAmqpUrl } from './connection/amqp-url.ts';
import { allRungs, LONGEST_DELAY_MS } from './topology/delay-ladder.ts';
import { AmqpElections } from './state/elections.ts';
import { HeartbeatThread } from './heartbeat-thread/heartbeat-thread.ts';
import { SuspectGate } from './consuming/suspect-gate.ts';
import { Connection } from './connection/connection.ts';
import { QueueCounter } from './connection/queue-counter.ts';
import { SessionPool } from './connection/session-pool.ts';
import { Names } from './topology/names.ts';
import { Addresses } from './publishing/addresses.ts';
import { Publisher } from './publishing/publisher.ts';
import type { Outcome } from './publishing/send-batch.ts';
import { examineServer } from './connection/server-check.ts';
import { StateQueues } from './state/state-queues.ts';
import { Topology } from './topology/topology.ts';

/** Options of `AmqpBroker`. `url` is required. */
export interface AmqpBrokerOptions extends BrokerOptions {
  /** `amqp://user:pass@host1:5672,host2:5672/vhost`, or `amqps://…`, as in `TASK_BROKER_URL`. */
  readonly url: string;
}

/** The rest is time for the abort of an attempt, its settlement, and the minute between two checks of the server. */
const TIMEOUT_SHARE = 0.8;

/**
 * A broker on RabbitMQ 3.10 and newer, with quorum queues, confirmed publishes, a ladder of queues for delays and a
 * dead-letter exchange. `docs/rabbitmq.md` shows where a message is stored.
 * @example
 * const broker = new AmqpBroker({ url: 'amqp://guest:guest@localhost:5672' });
 * await broker.publish([envelope]);
 * await broker.close();
 */
export class AmqpBroker implements Broker {
  readonly capabilities: BrokerCapabilities;
  readonly inspector: Inspector;
  readonly states: StateStore;
  readonly elections: Elections;
  readonly diagnostics: Diagnostics;
  readonly signals: Signals;
  readonly workers: WorkerDirectory;
  readonly #workers: AmqpWorkers;
  readonly #target: AmqpTarget;
  readonly #options: BrokerOptions;
  readonly #names: Names;
  readonly #addresses: Addresses;
  readonly #publishing: Connection;
  readonly #consuming: Connection;
  readonly #clock: ServerClock;
  readonly #publisher: Publisher;
  readonly #consumingTopology: Topology;
  readonly #sessions: SessionPool;
  readonly #quarantineSessions: SessionPool;
  readonly #counter: QueueCounter;
  #blocks: BlockWatch | undefined;
  #heartbeats: HeartbeatThread | undefined;
  readonly #subscriptions = new Set<AmqpSubscription>();
  readonly #gates = new Map<string, SuspectGate>();
  readonly #used = new Set<string>();
  #closed = false;

  /**
   * Creates the broker; it connects at first use.
   * @throws ConfigError (`BROKER_URL_INVALID`) if the URL is invalid
   * @throws ConfigError (`CONFIG_INVALID`) if `sendTimeoutMs` is not above 0
   * @throws ConfigError (`NAMESPACE_INVALID`) if the namespace has other characters than `A-Z a-z 0-9 . _ -`
   */
  constructor(options: AmqpBrokerOptions) {
    const { logger } = options;
    const namespace = checkNamespace(options.namespace ?? BROKER_DEFAULTS.namespace);
    this.#options = options;
    this.#target = parseAmqpUrl(options.url);
    this.capabilities = capabilitiesOf(this.#target);
    const timeoutMs = timerMs(options.sendTimeoutMs ?? BROKER_DEFAULTS.sendTimeoutMs, 'new AmqpBroker: sendTimeoutMs');
    this.#names = new Names(namespace);
    // Separate, because an alarm blocks a connection that publishes: acknowledgements must continue, or the alarm would
    // never end.
    this.#publishing = new Connection(this.#target, { purpose: 'publish', timeoutMs, logger });
    this.#consuming = new Connection(this.#target, { purpose: 'consume', timeoutMs, logger });
    this.#clock = serverClock(this.#publishing, this.#names, logger);
    this.#addresses = new Addresses(this.#names, this.#clock);
    this.#publisher = new Publisher({
      connection: this.#publishing,
      topology: this.#topology(this.#publishing),
      logger,
    });
    this.#consumingTopology = this.#topology(this.#consuming);
    const consuming = { connection: this.#consuming, logger };
    this.#sessions = new SessionPool({ ...consuming, mostChannels: 128, shareOfChannels: 1 / 2 });
    this.#quarantineSessions = new SessionPool({ ...consuming, mostChannels: 16, shareOfChannels: 1 / 8 });
    this.#counter = new QueueCounter(this.#consuming);
    const { queueType } = this.#target;
    const own = { connection: this.#publishing, names: this.#names, queueType };
    // On the connection that publishes: a process that loses its lead can send nothing more over it.
    const elections = new AmqpElections(own);
    this.elections = elections;
    this.states = new StateQueues({ ...own, reading: this.#consuming, elections });
    const broadcasting = {
      ...{ names: this.#names, queueType, logger },
      publishing: this.#publishing,
      consuming: this.#consuming,
    };
    this.signals = new AmqpSignals(broadcasting);
    this.#workers = new AmqpWorkers(broadcasting);
    this.workers = this.#workers;
    this.inspector = new AmqpInspector({
      // The server does not list its queues: these are the queues that the application knows, and those that this
      // process has used.
      queues: () => [...new Set([...(options.knownQueues?.() ?? []), ...this.#used])],
      connection: this.#consuming,
      publishing: this.#publishing,
      names: this.#names,
      addresses: this.#addresses,
      publisher: this.#publisher,
      clock: this.#clock,
    });
    this.diagnostics = { diagnose: () => this.#diagnose() };
  }

  /** @throws BrokerUnavailableError as `Publisher.send`; ConfigError if a queue exists with other arguments */
  async publish(envelopes: readonly Envelope[]): Promise<readonly PublishReceipt[]> {
    if (this.#closed) throw closedError();
    const now = Date.now();
    if (envelopes.some(({ expiresAt }) => expiresAt !== undefined)) await this.#clock.known();
    const messages = envelopes.map((envelope) => {
      this.#use(envelope.queue);
      return this.#addresses.newMessage(envelope, now);
    });
    const outcomes = await this.#publisher.send(messages);
    if (outcomes.some((outcome) => outcome !== undefined)) throw partlyStored(envelopes, outcomes);
    return envelopes.map(receiptOf);
  }

  /**
   * Declares everything that a queue may ever need, including some 250 queues of its delays. Call it as a user with the
   * right to declare: users without that right can then send, delay and retry.
   * @throws ConfigError if a queue or exchange exists with other arguments, or may not be declared
   */
  async declare(queue: string): Promise<void> {
    if (this.#closed) throw closedError();
    this.#use(queue);
    for (const path of allRungs()) await this.#consumingTopology.declareLadder(queue, path);
  }

  /** @throws ConfigError if the queue exists with other arguments, or may not be declared */
  async subscribe(queue: string, options: SubscribeOptions): Promise<Subscription> {
    if (this.#closed) throw closedError();
    this.#use(queue);
    await this.#consumingTopology.declareQueue(queue);
    await this.#clock.knownSoon();
    const leaseMs = options.leaseMs ?? BROKER_DEFAULTS.leaseMs;
    this.#blocks ??= new BlockWatch(this.#consuming.silenceLimitMs / 2, leaseMs);
    if (options.leaseThread === true) this.#heartbeats ??= this.#startHeartbeats();
    const subscription = new AmqpSubscription({
      queue,
      leaseMs,
      prefetch: options.prefetch ?? BROKER_DEFAULTS.prefetch,
      gate: this.#gateOf(options.workerId),
      connection: this.#consuming,
      sessions: this.#sessions,
      quarantineSessions: this.#quarantineSessions,
      counter: this.#counter,
      blocks: this.#blocks,
      heartbeats: options.leaseThread === true ? this.#heartbeats : undefined,
      subscriptions: () => this.#subscriptions.size,
      topology: this.#consumingTopology,
      names: this.#names,
      addresses: this.#addresses,
      publisher: this.#publisher,
      clock: this.#clock,
      logger: this.#options.logger,
      onClose: () => this.#subscriptions.delete(subscription),
    });
    this.#subscriptions.add(subscription);
    return subscription;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.close()));
    this.#blocks?.stop();
    // Both connections lead to the same server, unless there are several hosts.
    const { address, closingMs } = this.#consuming;
    if (closingMs === 0 && address === this.#publishing.address) this.#publishing.giveUp();
    await this.#heartbeats?.close();
    this.#publisher.close();
    this.#workers.close();
    await Promise.all([this.#publishing.close(), this.#consuming.close()]);
  }

  async #diagnose(): Promise<readonly Finding[]> {
    const server = await examineServer(this.#consuming);
    await this.#clock.knownSoon();
    const options = { connection: this.#consuming, names: this.#names, queueType: this.#target.queueType };
    const mismatches = await examineArguments(options, await this.inspector.queues());
    return [...server, ...clockDifference(this.#clock), ...mismatches, ...(await examineDeadLetters(this.inspector))];
  }

  #startHeartbeats(): HeartbeatThread | undefined {
    const connections = [this.#consuming, this.#publishing];
    return HeartbeatThread.start(connections, this.#consuming.silenceLimitMs, this.#options.logger);
  }

  #topology(connection: Connection): Topology {
    return new Topology({
      connection,
      names: this.#names,
      queueType: this.#target.queueType,
    });
  }

  /** Returns the gate of a worker. All consumers of a worker share it, because they crash together. */
  #gateOf(workerId: string | undefined): SuspectGate {
    const gate = (workerId === undefined ? undefined : this.#gates.get(workerId)) ?? new SuspectGate();
    if (workerId !== undefined) this.#gates.set(workerId, gate);
    return gate;
  }

  #use(queue: string): void {
    if (this.#used.has(queue)) return;
    checkQueueName(queue);
    this.#used.add(queue);
  }
}

function receiptOf({ id }: Envelope): PublishReceipt {
  return { id, isNew: true };
}

/** Whether both say the same about their messages: also whether those may be stored. */
function isLike(outcome: Outcome, first: BrokkrError): boolean {
  const mayBeStored = (error: Outcome) => (error as BrokerUnavailableError | undefined)?.mayBeStored;
  return outcome?.code === first.code && mayBeStored(outcome) === mayBeStored(first);
}

/** Returns one error for all envelopes if nothing was stored. */
function partlyStored(envelopes: readonly Envelope[], outcomes: readonly Outcome[]): BrokkrError {
  const [first] = outcomes;
  if (first !== undefined && outcomes.every((outcome) => isLike(outcome, first))) return first;
  return new PartlyStoredError(outcomes.map((outcome, index) => outcome ?? receiptOf(envelopes[index] as Envelope)));
}

function capabilitiesOf({ consumerTimeoutMs }: AmqpTarget): BrokerCapabilities {
  return Object.freeze({
    persistent: true,
    ordered: true,
    maxDelayMs: LONGEST_DELAY_MS,
    delayResolutionMs: 1_500,
    idempotency: false,
    counts: 'ready-only',
    sendsAtOnce: 25,
    timeoutLimit: {
      ms: consumerTimeoutMs * TIMEOUT_SHARE,
      setting: `RabbitMQ's consumer_timeout allows (80 % of ${consumerTimeoutMs / 1_000} s; if the server has another value, add ?consumerTimeout= to the broker URL)`,
    },
  });
}
