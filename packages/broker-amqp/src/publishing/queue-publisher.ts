import { type BrokerOptions, BrokerUnavailableError, BrokkrError } from '@brokkr/core/adapter';
import type { ConfirmChannel, Message } from 'amqplib';
import {
  blocked,
  closedError,
  headersTooLarge,
  cannotEncode,
  isClosed,
  mostBytesOf,
  nothingStored,
  tooLarge,
  unavailable,
} from '../connection/amqp-errors.ts';
import { headerLimit, shortenHeaders } from './header-limit.ts';
import type { Connection } from '../connection/connection.ts';
import { Batch, type Outcome, type Outgoing, type Pending } from './send-batch.ts';
import { DELETED_WITHIN_MS, type Topology } from '../topology/topology.ts';

/** Time between attempts to publish waiting messages, if no event wakes them. */
const AGAIN_MS = 100;
const LEAVE_EVERY_MS = 1_000;

export interface QueuePublisherOptions {
  readonly connection: Connection;
  readonly topology: Topology;
  readonly logger: BrokerOptions['logger'];
}

/**
 * Publishes to one queue of an application, its ladder, quarantine and dead letters, over its own channel: a queue
 * whose nodes are mostly down blocks its channel. A message counts as stored once the server has confirmed that it
 * routed it to a queue. Messages that are in doubt when a connection breaks are published again, with the same id, while
 * their sender waits.
 */
export class QueuePublisher {
  readonly #options: QueuePublisherOptions;
  #channel: ConfirmChannel | undefined;
  #opening: Promise<ConfirmChannel> | undefined;
  /** Messages that are sent and not confirmed. */
  readonly #unconfirmed = new Set<Pending>();
  /** Messages that are in doubt or blocked, or whose queue is not declared yet. */
  readonly #waiting = new Set<Pending>();
  #flushing = false;
  /** Bytes of the largest body that the server accepts (`max_message_size`), once it has refused one. */
  #mostBytes = Number.POSITIVE_INFINITY;
  #leftAt = Number.NEGATIVE_INFINITY;
  #usedAt = 0;
  /** Why the last attempt to send the waiting messages failed. */
  #trouble: unknown;
  readonly #stopListening: () => void;

  constructor(options: QueuePublisherOptions) {
    this.#options = options;
    this.#stopListening = options.connection.onUp(() => void this.#flush());
  }

  /**
   * Publishes messages. Resolves with the outcome of each, in order: `BROKER_UNAVAILABLE` after the connection's
   * timeout, `BROKER_BLOCKED` if the server accepts no messages during that time, `BROKER_FULL` if a queue refused it,
   * `BROKER_UNROUTABLE` if no queue took it, `PAYLOAD_TOO_LARGE` if it exceeds the server's `max_message_size`.
   */
  async send(messages: readonly Outgoing[]): Promise<readonly Outcome[]> {
    const { connection, topology } = this.#options;
    this.#usedAt = performance.now();
    const batch = new Batch(messages, connection.timeoutMs, (late) => this.#timedOut(late));
    const channel = this.#waiting.size === 0 && !connection.isBlocked ? this.#channel : undefined;
    for (const pending of batch.messages) {
      const { outgoing } = pending;
      if (channel !== undefined && topology.has(outgoing.queue, outgoing.path)) this.#write(channel, pending);
      else this.#waiting.add(pending);
    }
    if (this.#waiting.size > 0) void this.#flush();
    await batch.done;
    // Messages that timed out are not kept: a server that is down for hours must not fill the memory.
    if (this.#waiting.size > 0) for (const pending of batch.messages) this.#waiting.delete(pending);
    return batch.outcomes;
  }

  /** Whether no message is in flight, and none was sent after `time` (`performance.now`). */
  isIdleSince(time: number): boolean {
    return this.#usedAt < time && this.#unconfirmed.size === 0 && this.#waiting.size === 0;
  }

  /** Ends all sends, and frees the channel. */
  close(): void {
    this.#stopListening();
    const channel = this.#channel;
    this.#channel = undefined;
    if (channel !== undefined) void channel.close().catch(() => undefined);
    for (const pending of [...this.#unconfirmed, ...this.#waiting]) pending.end(closedError());
    this.#waiting.clear();
    this.#unconfirmed.clear();
  }

  /** Sends the waiting messages while the server accepts them. */
  async #flush(): Promise<void> {
    const { connection, logger } = this.#options;
    if (this.#flushing) return;
    this.#flushing = true;
    try {
      while (this.#waiting.size > 0 && !connection.isBlocked && !connection.isClosed) {
        const channel = await this.#open();
        this.#trouble = undefined;
        const prepared = await Promise.allSettled([...this.#waiting].map((pending) => this.#prepare(pending)));
        if (channel !== this.#channel || connection.isBlocked) continue;
        for (const pending of this.#waiting) if (pending.isPrepared || !pending.isOpen) this.#takeOut(pending, channel);
        // A queue whose nodes are down does not block the others.
        const failure = prepared.find((outcome) => outcome.status === 'rejected');
        if (failure !== undefined) throw failure.reason;
      }
    } catch (error) {
      this.#trouble = error;
      // The messages keep waiting. Their senders end by their own timeouts.
      logger?.debug({ error }, 'publishing waits for RabbitMQ');
      this.#flushSoon();
    } finally {
      this.#flushing = false;
    }
  }

  #takeOut(pending: Pending, channel: ConfirmChannel): void {
    this.#waiting.delete(pending);
    if (!pending.isOpen) return;
    if (pending.outgoing.isNeeded?.() ?? true) this.#write(channel, pending);
    else pending.end();
  }

  #flushSoon(): void {
    setTimeout(() => void this.#flush(), AGAIN_MS);
  }

  async #prepare(pending: Pending): Promise<void> {
    const { topology } = this.#options;
    const { outgoing } = pending;
    try {
      if (outgoing.path === undefined) await topology.declareQueue(outgoing.queue);
      else await topology.declareLadder(outgoing.queue, outgoing.path);
      pending.isPrepared = true;
    } catch (error) {
      // A queue that may not be declared fails its own messages only.
      if (BrokkrError.is(error) && !(error instanceof BrokerUnavailableError)) pending.end(error);
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
    const { connection, logger, topology } = this.#options;
    const channel = await connection.openConfirmChannel();
    channel.on('error', (error) => {
      this.#mostBytes = mostBytesOf(error) ?? this.#mostBytes;
      // Otherwise an exchange is most likely gone: declare everything again.
      logger?.warn({ error }, 'RabbitMQ closed the channel that publishes; opening another');
      topology.forget();
    });
    channel.on('handler-error', (error) => logger?.error({ error }, 'a listener of the AMQP client failed'));
    channel.on('return', (message: Message) => {
      // The server returns a message that no queue takes, before it confirms it. Only its id identifies it.
      for (const pending of this.#unconfirmed) {
        if (pending.outgoing.properties.messageId === message.properties.messageId) pending.isUnroutable = true;
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
    if (content.byteLength > this.#mostBytes) {
      pending.end(tooLarge(content.byteLength, this.#mostBytes));
      return;
    }
    const limit = headerLimit(this.#options.connection.mostFrameBytes);
    const isTooWide = pending.outgoing.headerBytes > limit;
    if (isTooWide && pending.outgoing.isNew) {
      pending.end(headersTooLarge(pending.outgoing.headerBytes, limit));
      return;
    }
    pending.isUnroutable = false;
    this.#unconfirmed.add(pending);
    try {
      const fitting = isTooWide ? shortenHeaders(properties, limit) : properties;
      channel.publish(exchange, routingKey, content, fitting, (error: unknown) => {
        this.#unconfirmed.delete(pending);
        if (error !== null) this.#unstored(channel, pending, error);
        else if (pending.isUnroutable) this.#repair(pending);
        else pending.end();
      });
    } catch (error) {
      this.#unconfirmed.delete(pending);
      // The channel has just closed: this error is its only answer for the message.
      if (isClosed(error)) this.#unstored(channel, pending, error);
      else pending.end(cannotEncode(error));
    }
  }

  /** A queue refuses while it is full, or while its leader changes. A channel that closed leaves the message in doubt. */
  #unstored(channel: ConfirmChannel, pending: Pending, error: unknown): void {
    if (!pending.isOpen) return;
    pending.isPrepared = false;
    if (isNack(error)) {
      if (pending.batch.wasRefused) this.#leave(channel);
      pending.batch.wasRefused = true;
    } else pending.batch.wasRefused = false;
    this.#waiting.add(pending);
    this.#flushSoon();
  }

  /**
   * RabbitMQ 3.10 keeps refusing messages on a channel that has published to a queue whose leader died, long after
   * another node leads. Leaves the channel. Messages that are unconfirmed on it may still be confirmed within the
   * timeout of their senders.
   */
  #leave(channel: ConfirmChannel): void {
    const now = performance.now();
    if (channel !== this.#channel || now - this.#leftAt < LEAVE_EVERY_MS) return;
    this.#leftAt = now;
    this.#channel = undefined;
    setTimeout(() => void channel.close().catch(() => undefined), this.#options.connection.timeoutMs).unref();
  }

  /** No queue took the message: declares its queue again, once, and sends it again. */
  #repair(pending: Pending): void {
    const { topology, logger } = this.#options;
    const { queue } = pending.outgoing;
    if (pending.wasRepaired) {
      pending.end(
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
      if (!pending.isOpen) return;
      topology.forget();
      this.#waiting.add(pending);
      void this.#flush();
    }, DELETED_WITHIN_MS);
  }

  #timedOut({ wasRefused }: Batch): BrokkrError {
    if (wasRefused) {
      return new BrokerUnavailableError('a queue refused messages: it is full; let the workers catch up', {
        code: 'BROKER_FULL',
      });
    }
    const { connection } = this.#options;
    if (connection.isBlocked) return blocked();
    const trouble = connection.trouble ?? this.#trouble ?? new Error('no confirmation came in time');
    const failure = unavailable(trouble, connection.address);
    return connection.wasUp ? failure : nothingStored(failure);
  }
}

/** Whether the server refused the message. Otherwise its channel closed. */
function isNack(error: unknown): boolean {
  return error instanceof Error && /nacked/.test(error.message);
}
