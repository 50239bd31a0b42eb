import { type BrokerOptions, BrokerUnavailableError, BrokkrError } from '@brokkr/core';
import type { ConfirmChannel, Message, Options } from 'amqplib';
import { blocked, closedError, unavailable } from './amqp-errors.ts';
import type { LadderPath } from './delay-ladder.ts';
import type { Link } from './link.ts';
import { DELETED_WITHIN_MS, type Topology } from './topology.ts';

/** Between attempts to publish what waits, where nothing else says that it may go on. */
const AGAIN_MS = 100;
const LEAVE_EVERY_MS = 1_000;

/** One message on its way to the server. */
export interface Outgoing {
  readonly exchange: string;
  readonly routingKey: string;
  readonly content: Buffer;
  readonly properties: Options.Publish;
  /** Whose topology must stand before it is sent. */
  readonly queue: string;
  readonly path: LadderPath | undefined;
  /** Asked before it is sent once more; a copy is of no use once the server hands over its original again. */
  readonly isNeeded?: () => boolean;
}

/** Messages whose sender waits for the confirmation of all. */
class Batch {
  #left: number;
  #end: ((error?: unknown) => void) | undefined;
  readonly done: Promise<void>;
  /** A queue said no to one of them. */
  wasRefused = false;
  readonly #timer: NodeJS.Timeout;

  constructor(size: number, patienceMs: number, onTimeout: () => Error) {
    this.#left = size;
    this.done = new Promise((resolve, reject) => {
      this.#end = (error) => (error === undefined ? resolve() : reject(error));
    });
    this.#timer = setTimeout(() => this.fail(onTimeout()), patienceMs);
  }

  /** False once its sender has been told: nothing of it is sent again. */
  get isOpen(): boolean {
    return this.#end !== undefined;
  }

  confirmed(): void {
    if (--this.#left === 0) this.#finish();
  }

  fail(error: unknown): void {
    this.#finish(error);
  }

  #finish(error?: unknown): void {
    clearTimeout(this.#timer);
    this.#end?.(error);
    this.#end = undefined;
  }
}

/** A message of a batch, until the server has confirmed it. */
class Pending {
  readonly batch: Batch;
  readonly outgoing: Outgoing;
  /** What it needs on the server was found or made. */
  isPrepared = false;
  isReturned = false;
  wasRepaired = false;

  constructor(batch: Batch, outgoing: Outgoing) {
    this.batch = batch;
    this.outgoing = outgoing;
  }
}

export interface PublisherOptions {
  readonly link: Link;
  readonly topology: Topology;
  readonly patienceMs: number;
  readonly logger: BrokerOptions['logger'];
}

/**
 * Publishes with confirmation: a message counts as stored when the server has routed it to a queue and said so. What
 * was in doubt when a connection broke is published again, under the same id, while its sender waits.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  #channel: ConfirmChannel | undefined;
  #opening: Promise<ConfirmChannel> | undefined;
  /** Written and not confirmed. */
  readonly #unconfirmed = new Set<Pending>();
  /** In doubt, blocked, or their queue is not declared yet. */
  readonly #waiting = new Set<Pending>();
  #flushing = false;
  #leftAt = Number.NEGATIVE_INFINITY;

  constructor(options: PublisherOptions) {
    this.#options = options;
    options.link.onUp(() => void this.#flush());
  }

  /**
   * Resolves once every message is stored.
   * @throws BrokerUnavailableError `BROKER_UNAVAILABLE` after the patience, `BROKER_BLOCKED` where the server takes
   * none meanwhile, `BROKER_FULL` where a queue refused one, `BROKER_UNROUTABLE` where none took it
   */
  async send(messages: readonly Outgoing[]): Promise<void> {
    if (messages.length === 0) return;
    const { link, patienceMs, topology } = this.#options;
    if (link.isClosed) throw closedError();
    const batch = new Batch(messages.length, patienceMs, () => this.#outOfPatience(batch));
    const channel = this.#waiting.size === 0 && !link.isBlocked ? this.#channel : undefined;
    const pendings = messages.map((outgoing) => new Pending(batch, outgoing));
    for (const pending of pendings) {
      const { outgoing } = pending;
      if (channel !== undefined && topology.has(outgoing.queue, outgoing.path)) this.#write(channel, pending);
      else this.#waiting.add(pending);
    }
    if (this.#waiting.size > 0) void this.#flush();
    try {
      await batch.done;
    } catch (error) {
      // Nobody waits for them any more: a server that stays away for hours must not fill the memory.
      for (const pending of pendings) this.#waiting.delete(pending);
      throw error;
    }
  }

  /** Ends all that waits. The link is closed by its owner. */
  close(): void {
    for (const { batch } of [...this.#unconfirmed, ...this.#waiting]) batch.fail(closedError());
    this.#waiting.clear();
    this.#unconfirmed.clear();
  }

  /** Sends what waits, as far as the server is there and takes it. */
  async #flush(): Promise<void> {
    const { link, logger } = this.#options;
    if (this.#flushing) return;
    this.#flushing = true;
    try {
      while (this.#waiting.size > 0 && !link.isBlocked && !link.isClosed) {
        const channel = await this.#open();
        const prepared = await Promise.allSettled([...this.#waiting].map((pending) => this.#prepare(pending)));
        if (channel !== this.#channel || link.isBlocked) continue;
        for (const pending of this.#waiting) if (pending.isPrepared) this.#takeOut(pending, channel);
        // One queue whose nodes are away keeps no other waiting.
        const failure = prepared.find((outcome) => outcome.status === 'rejected');
        if (failure !== undefined) throw failure.reason;
      }
    } catch (error) {
      // What waits goes on waiting; its senders end by their own patience.
      logger?.debug({ error }, 'publishing waits for RabbitMQ');
      this.#flushSoon();
    } finally {
      this.#flushing = false;
    }
  }

  #takeOut(pending: Pending, channel: ConfirmChannel): void {
    this.#waiting.delete(pending);
    const { batch, outgoing } = pending;
    if (!batch.isOpen) return;
    if (outgoing.isNeeded?.() ?? true) this.#write(channel, pending);
    else batch.confirmed();
  }

  #flushSoon(): void {
    setTimeout(() => void this.#flush(), AGAIN_MS);
  }

  async #prepare(pending: Pending): Promise<void> {
    const { topology } = this.#options;
    const { outgoing, batch } = pending;
    try {
      if (outgoing.path === undefined) await topology.queue(outgoing.queue);
      else await topology.ladder(outgoing.queue, outgoing.path);
      pending.isPrepared = true;
    } catch (error) {
      // A queue that cannot be will not be: everything else may pass.
      if (BrokkrError.is(error) && !(error instanceof BrokerUnavailableError)) batch.fail(error);
      else throw error;
    }
  }

  #open(): Promise<ConfirmChannel> {
    if (this.#channel !== undefined) return Promise.resolve(this.#channel);
    this.#opening ??= this.#openChannel().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #openChannel(): Promise<ConfirmChannel> {
    const { link, patienceMs, logger, topology } = this.#options;
    const model = await link.ready(patienceMs);
    const channel = await model.createConfirmChannel();
    channel.on('error', (error) => {
      // An exchange is gone, most likely: what is declared has to be looked at again.
      logger?.warn({ error }, 'RabbitMQ closed the channel that publishes; opening another');
      topology.forget();
    });
    channel.on('handler-error', (error) => logger?.error({ error }, 'a listener of the AMQP client failed'));
    channel.on('return', (message: Message) => {
      // It comes before the confirmation, and the id is all that it names.
      for (const pending of this.#unconfirmed) {
        if (pending.outgoing.properties.messageId === message.properties.messageId) pending.isReturned = true;
      }
    });
    channel.on('close', () => {
      if (this.#channel === channel) this.#channel = undefined;
    });
    this.#channel = channel;
    return channel;
  }

  #write(channel: ConfirmChannel, pending: Pending): void {
    const { exchange, routingKey, content, properties } = pending.outgoing;
    this.#unconfirmed.add(pending);
    try {
      channel.publish(exchange, routingKey, content, properties, (error: unknown) => {
        this.#unconfirmed.delete(pending);
        if (error !== null) this.#unstored(channel, pending, error);
        else if (pending.isReturned) this.#repair(pending);
        else pending.batch.confirmed();
      });
    } catch (error) {
      // The channel has just closed, and what it throws here is all it says of this message.
      this.#unconfirmed.delete(pending);
      this.#unstored(channel, pending, error);
    }
  }

  /** A queue that is full, or whose leader changes, refuses: both may pass. A channel that closed leaves it in doubt. */
  #unstored(channel: ConfirmChannel, pending: Pending, error: unknown): void {
    if (!pending.batch.isOpen) return;
    pending.isPrepared = false;
    if (isNack(error)) {
      if (pending.batch.wasRefused) this.#leave(channel);
      pending.batch.wasRefused = true;
    } else pending.batch.wasRefused = false;
    this.#waiting.add(pending);
    this.#flushSoon();
  }

  /**
   * RabbitMQ 3.10 goes on refusing over a channel that has published to a queue whose leader died, long after another
   * leads. What is still unconfirmed on it has the patience of a sender to be.
   */
  #leave(channel: ConfirmChannel): void {
    const now = performance.now();
    if (channel !== this.#channel || now - this.#leftAt < LEAVE_EVERY_MS) return;
    this.#leftAt = now;
    this.#channel = undefined;
    setTimeout(() => void channel.close().catch(() => undefined), this.#options.patienceMs).unref();
  }

  /** No queue took it: it is declared again, once, and the message sent again. */
  #repair(pending: Pending): void {
    const { topology, logger } = this.#options;
    const { queue } = pending.outgoing;
    if (pending.wasRepaired) {
      pending.batch.fail(
        new BrokerUnavailableError(`no queue took a message for ${queue}, although it was declared again`, {
          code: 'BROKER_UNROUTABLE',
        }),
      );
      return;
    }
    logger?.warn({ queue }, 'a queue was gone; declaring it again');
    pending.isPrepared = false;
    pending.wasRepaired = true;
    this.#unconfirmed.add(pending);
    setTimeout(() => {
      this.#unconfirmed.delete(pending);
      pending.isReturned = false;
      if (!pending.batch.isOpen) return;
      topology.forget();
      this.#waiting.add(pending);
      void this.#flush();
    }, DELETED_WITHIN_MS);
  }

  #outOfPatience({ wasRefused }: Batch): Error {
    if (wasRefused) {
      return new BrokerUnavailableError('a queue refused messages: it is full; let the workers catch up', {
        code: 'BROKER_FULL',
      });
    }
    const { link } = this.#options;
    return link.isBlocked ? blocked() : unavailable(link.trouble ?? new Error('no confirmation came in time'));
  }
}

/** What the client says of a negative confirmation, in distinction from a channel that closed. */
function isNack(error: unknown): boolean {
  return error instanceof Error && /nacked/.test(error.message);
}
