import type { Logger } from 'pino';
import { laneName, readLane } from '../broker/lane-names.ts';
import type { Broker, PublishReceipt } from '../broker/broker.ts';
import type { Envelope } from '../broker/envelope.ts';
import type { Clock } from '../clock/clock.ts';
import { StoreJoins, type StoreJoinsOptions } from '../collapse/store-joins.ts';
import { collapsedEnvelope, canJoin } from '../collapse/collapsed-envelope.ts';
import type { CollapseSettings } from '../collapse/collapse-options.ts';
import { ConfigError } from '../errors/errors.ts';
import type { LimitRegistry } from '../limits/limit-registry.ts';
import { limitHeader } from '../limits/task-limits.ts';
import { encodeArgs, encodeEnvelope } from '../message/json-codec.ts';
import { messageId } from '../message/message-id.ts';
import { areIdle, compose, type Layer } from '../middleware/compose.ts';
import type { Middleware, OutgoingMessage, SendBatch, SendContext } from '../middleware/middleware.ts';
import type { TaskDefinition } from '../task/task-definition.ts';
import type { TaskHandle } from '../task/task-handle.ts';
import { validateArguments } from '../task/validate-arguments.ts';
import { checkCapabilities } from './check-capabilities.ts';
import { isIterable, notABatch } from './check-batch.ts';
import { Publisher } from './publisher.ts';
import { managerClosed } from './manager-closed.ts';
import type { HandlePorts } from './handle-ports.ts';
import { type Batch, sendInChunks } from './send-in-chunks.ts';
import { outcomeOf, type SendOutcome } from './send-outcome.ts';
import { SendTurns } from './send-turns.ts';
import type { SendStats } from './send-stats.ts';
import { checkBatchItem } from './check-task-settings.ts';
import { checkHeaders, type SendSettings } from './send-settings.ts';
import { SentTask } from './sent-task.ts';

export interface ProducerOptions {
  /** Opens the broker. Called at the first send. */
  readonly openBroker: () => Promise<Broker>;
  readonly handles: HandlePorts;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether a separate store keeps the results. */
  readonly keepsResultsElsewhere: boolean;
  readonly limits: LimitRegistry;
  /** Rejects if nothing counts the limits of a task. */
  readonly needLimitStore: (task: string) => Promise<unknown>;
  readonly defaultQueue: string;
  readonly defaultTimeoutMs: number;
  readonly defaultMaxRetries: number;
  /** How long the key of a unique or debounced message is remembered after it is due. */
  readonly keyTtlMs: number;
  /** Opens the store for messages that the broker cannot join. @throws ConfigError (`STORE_MISSING`) */
  readonly records: StoreJoinsOptions['records'];
  readonly maxPayload: number;
  readonly sendTimeoutMs: number;
  readonly middleware: readonly Middleware[];
  readonly stats: SendStats;
}

/** Separates task and key. A task name cannot contain it, so two tasks never share a key. */
const KEY_SEPARATOR = '/';

/** The key as the broker gets it. A lane is a queue, and a broker knows keys by queue or by namespace: here always by lane. */
function keyOf(task: string, { idempotencyKey, priority = 'normal' }: SendSettings): string {
  const key = `${task}${KEY_SEPARATOR}${idempotencyKey}`;
  return priority === 'normal' ? key : `${KEY_SEPARATOR}${priority}${KEY_SEPARATOR}${key}`;
}

/** A message that is checked and encoded, but not sent yet. */
interface Draft {
  readonly task: TaskDefinition;
  readonly message: OutgoingMessage;
  readonly body: Uint8Array;
  /** How it is joined with messages of the same key. */
  readonly collapse: CollapseSettings | undefined;
  /** Outcome, if there is middleware: its error may come before or after the publishing. */
  outcome?: SendOutcome;
}

/** How often a close waits for sends that were made while it waited. */
const MOST_ROUNDS = 10;

/** Sends messages: checks and encodes the arguments, runs the send middleware, and publishes. */
export class Producer {
  readonly #options: ProducerOptions;
  readonly #joins: StoreJoins;
  readonly #layers: readonly Layer<SendContext, PublishReceipt>[];
  readonly #turns: SendTurns;
  #opening: Promise<Publisher> | undefined;
  #publisher: Publisher | undefined;
  /** Sends that may not have reached the publisher yet. */
  readonly #slow = new Set<Promise<unknown>>();
  #isClosed = false;
  #countsLimits = false;

  constructor(options: ProducerOptions) {
    this.#options = options;
    const { clock, keyTtlMs, records, sendTimeoutMs } = options;
    this.#turns = new SendTurns(clock);
    const isNotStored = (error: unknown) => outcomeOf(error) === 'not stored';
    this.#joins = new StoreJoins({ records, keyTtlMs, sendTimeoutMs, now: () => clock.now(), isNotStored });
    this.#layers = options.middleware.flatMap((one) =>
      one.send === undefined ? [] : [{ name: one.name, around: one.send.bind(one), isIdle: one.isIdle?.bind(one) }],
    );
  }

  /** The handle of a message that was sent before, by any process. */
  handle(task: TaskDefinition, id: string, queue = task.queueName ?? this.#options.defaultQueue): TaskHandle {
    return new SentTask(id, 'duplicate', task, queue, this.#options.handles);
  }

  /** Sends one message. @throws BrokkrError some errors synchronously; the promise rejects with the others */
  send(task: TaskDefinition, args: readonly unknown[], settings: SendSettings): Promise<TaskHandle> {
    if (this.#isClosed) throw managerClosed();
    const publisher = this.#publisher;
    // Fast path: without a schema or middleware the promise of the publisher is returned itself.
    if (task.schema === undefined && publisher !== undefined && (task.limits === undefined || this.#countsLimits)) {
      checkCapabilities(publisher.broker, task, settings, this.#options);
      const isPlain = areIdle(this.#layers);
      const sending = this.#publish(publisher, this.#draft(task, args, settings), undefined, isPlain);
      return isPlain && settings.collapse === undefined ? sending : this.#watched(sending);
    }
    return this.#watched(this.#sendSlowly(task, args, settings));
  }

  sendMany(task: TaskDefinition, batch: Batch, settings: SendSettings): Promise<TaskHandle[]> {
    if (this.#isClosed) throw managerClosed();
    return this.#watched(this.#sendMany(task, batch, settings));
  }

  async #sendMany(task: TaskDefinition, batch: Batch, settings: SendSettings): Promise<TaskHandle[]> {
    const keyed = settings.collapse?.option ?? (settings.idempotencyKey === undefined ? undefined : 'idempotencyKey');
    if (keyed !== undefined) {
      throw new ConfigError(
        `task ${task.name}: sendMany cannot have the option ${keyed}, because all messages would be one; send them one by one`,
        { code: 'SEND_OPTIONS_CONFLICT' },
      );
    }
    if (!isIterable(batch)) throw notABatch(task, batch);
    let publisher: Publisher;
    return sendInChunks<Draft>(batch, {
      turns: this.#turns,
      draft: (args) => this.#checkedDraft(task, args, settings),
      open: async () => {
        publisher = this.#publisher ?? (await this.#open());
        if (task.limits !== undefined) await this.#needLimitStore(task);
        checkCapabilities(publisher.broker, task, settings, this.#options);
      },
      publish: (draft, batch) => this.#publish(publisher, draft, batch),
      outcomeOf: (draft, error) => draft.outcome ?? outcomeOf(error),
    });
  }

  async #sendSlowly(task: TaskDefinition, args: readonly unknown[], settings: SendSettings): Promise<TaskHandle> {
    const draft = await this.#checkedDraft(task, args, settings);
    const publisher = this.#publisher ?? (await this.#open());
    if (task.limits !== undefined) await this.#needLimitStore(task);
    checkCapabilities(publisher.broker, task, settings, this.#options);
    return this.#publish(publisher, draft);
  }

  /** Refuses further sends. Resolves once every pending send was stored or refused, or has timed out. */
  async close(): Promise<void> {
    // Middleware of a pending send may send too. A middleware that sends without end is stopped after a few rounds.
    for (let round = 0; round < MOST_ROUNDS && this.#slow.size > 0; round++) await Promise.allSettled(this.#slow);
    this.#isClosed = true;
    await Promise.allSettled(this.#slow);
    await this.#publisher?.drained();
  }

  /** Lets `close` wait for a send. The caller gets a promise of its own, and handles its rejection alone. */
  #watched<T>(sending: Promise<T>): Promise<T> {
    this.#slow.add(sending);
    return sending.finally(() => this.#slow.delete(sending));
  }

  async #open(): Promise<Publisher> {
    this.#opening ??= this.#options.openBroker().then((broker) => {
      this.#publisher = new Publisher(broker, this.#options.clock, this.#options.sendTimeoutMs, this.#options.stats);
      return this.#publisher;
    });
    try {
      return await this.#opening;
    } catch (error) {
      // The next send tries again: an adapter that could not be loaded may be installed by then.
      this.#opening = undefined;
      throw error;
    }
  }

  async #needLimitStore({ name }: TaskDefinition): Promise<void> {
    if (!this.#countsLimits) await this.#options.needLimitStore(name);
    this.#countsLimits = true;
  }

  async #checkedDraft(task: TaskDefinition, args: readonly unknown[], settings: SendSettings): Promise<Draft> {
    if (!Array.isArray(args)) throw notABatch(task, args);
    await validateArguments(task, args);
    return this.#draft(task, args, settings);
  }

  #draft(task: TaskDefinition, args: readonly unknown[], settings: SendSettings): Draft {
    const { clock, defaultQueue, maxPayload } = this.#options;
    if (task.batch !== undefined) checkBatchItem(task.name, args);
    const body = encodeArgs(args, maxPayload, { allowToJson: task.schema !== undefined });
    const now = clock.now();
    const { collapse } = settings;
    const dueAt = settings.eta ?? now + (collapse?.option === 'debounce' ? collapse.waitMs : (settings.delayMs ?? 0));
    const message: OutgoingMessage = {
      id: messageId(),
      task: task.name,
      queue: settings.queueName ?? task.queueName ?? defaultQueue,
      priority: settings.priority,
      args,
      version: task.versions?.current,
      attempt: 1,
      maxRetries: settings.maxRetries,
      timeoutMs: settings.timeoutMs,
      headers: settings.headers === undefined ? {} : { ...settings.headers },
      enqueuedAt: now,
      notBefore: dueAt > now ? dueAt : undefined,
      expiresAt: settings.expiresInMs === undefined ? undefined : Math.max(dueAt, now) + settings.expiresInMs,
      idempotencyKey: settings.idempotencyKey === undefined ? undefined : keyOf(task.name, settings),
      idempotencyTtlMs: settings.idempotencyTtlMs,
      limits: task.limits === undefined ? undefined : limitHeader(task.name, task.limits, args, this.#options.limits),
    };
    return { task, message, body, collapse };
  }

  #publish(
    publisher: Publisher,
    draft: Draft,
    batch?: SendBatch,
    isPlain = areIdle(this.#layers),
  ): Promise<TaskHandle> {
    const { task, message } = draft;
    const { handles } = this.#options;
    const lane = task.priorities ? laneName(message.queue, message.priority ?? 'normal') : undefined;
    const handle = (receipt: PublishReceipt) => {
      // A key may belong to a message of another queue.
      const queue = receipt.queue === undefined ? message.queue : readLane(receipt.queue).queue;
      return new SentTask(receipt.id, handleOutcome(receipt), task, queue, handles, receipt.queue ?? lane);
    };
    if (!isPlain) return this.#throughMiddleware(publisher, draft, batch).then(handle);
    if (draft.collapse !== undefined) return this.#join(publisher, draft, message).then(handle);
    return publisher.publish(encodeEnvelope(message, draft.body), handle, batch !== undefined);
  }

  /** Publishes a message that may be joined with another: by the broker, or by a store if the broker cannot. */
  #join(publisher: Publisher, { task, body, collapse }: Draft, message: OutgoingMessage): Promise<PublishReceipt> {
    const publish = (envelope: Envelope) => publisher.publish(envelope, (given) => given);
    const envelope = encodeEnvelope(message, body);
    if (collapse === undefined) return publish(envelope);
    if (canJoin(collapse, publisher.broker.capabilities))
      return publish(collapsedEnvelope(envelope, task.name, collapse, this.#options.keyTtlMs));
    return this.#joins.send(envelope, task.name, collapse, publish);
  }

  #throughMiddleware(publisher: Publisher, draft: Draft, batch: SendBatch | undefined): Promise<PublishReceipt> {
    const { task, message } = draft;
    const isOfMany = batch !== undefined;
    draft.outcome = 'not stored';
    const publish = async (context: SendContext): Promise<PublishReceipt> => {
      checkHeaders(context.message.headers);
      draft.outcome = 'unknown';
      try {
        const receipt =
          draft.collapse === undefined
            ? await publisher.publish(encodeEnvelope(context.message, draft.body), (given) => given, isOfMany)
            : await this.#join(publisher, draft, context.message);
        draft.outcome = 'stored';
        return receipt;
      } catch (error) {
        draft.outcome = outcomeOf(error);
        throw error;
      }
    };
    const send = compose(this.#layers, publish, "the core's");
    return send({ task, message, signal: NEVER, logger: this.#options.logger, batch });
  }
}

function handleOutcome({ isNew, isReplacement }: PublishReceipt): TaskHandle['outcome'] {
  if (isNew) return 'new';
  return isReplacement === true ? 'replaced' : 'duplicate';
}

/** Sending is never aborted: it has a time limit of its own. */
const NEVER = new AbortController().signal;
