import { setTimeout as sleep } from 'node:timers/promises';
import type { BrokerOptions } from '@brokkr/core';
import type { Channel, ConsumeMessage, Message } from 'amqplib';
import { AckWindow } from './ack-window.ts';
import type { Link } from './link.ts';
import { DELETED_WITHIN_MS, type Topology } from './topology.ts';

const LONGEST_PAUSE_MS = 2_000;
const FIRST_PAUSE_MS = 50;
/** Acknowledgements that follow each other faster are sent together. */
const ACK_EVERY_MS = 1;

/**
 * One life of a channel. A delivery tag means something on its own channel only: on another it would acknowledge
 * somebody else's message. So whoever holds a tag holds the session it came on.
 */
export class Session {
  readonly channel: Channel;
  readonly #window: AckWindow;
  readonly #enough: number;
  /** Done, and not told to the server yet. */
  #done: number[] = [];
  #toldAt = 0;
  #telling: NodeJS.Timeout | undefined;
  #open = true;
  #isRetired = false;

  /** @param prefetch what the server pushes ahead: once half of it is done, it is told at once */
  constructor(channel: Channel, prefetch = 1) {
    this.channel = channel;
    this.#enough = Math.ceil(prefetch / 2);
    this.#window = new AckWindow((deliveryTag, multiple) =>
      // The client reads nothing but the tag.
      channel.ack({ fields: { deliveryTag } } as Message, multiple),
    );
    channel.on('close', () => {
      this.#open = false;
      clearTimeout(this.#telling);
    });
  }

  get isOpen(): boolean {
    return this.#open;
  }

  arrived({ fields: { deliveryTag } }: Message): void {
    this.#window.arrived(deliveryTag);
  }

  /** Of a session that is over, nothing: the server hands those messages over again. */
  ack(tags: readonly number[]): void {
    if (!this.#open || tags.length === 0) return;
    for (const tag of tags) this.#done.push(tag);
    // The server answers each frame with a push of its own: told one by one, short tasks would be pushed one by one.
    if (this.#done.length >= this.#enough || performance.now() - this.#toldAt >= ACK_EVERY_MS) this.#tell();
    else this.#telling ??= setTimeout(() => this.#tell(), ACK_EVERY_MS);
  }

  /** Closes the channel; acknowledgements before it are taken by the server first. */
  async close(): Promise<void> {
    if (!this.#open) return;
    this.#tell();
    this.#open = false;
    await this.channel.close().catch(() => undefined);
  }

  /** Closes once all that came on it is settled: what the server thinks is on its way here goes back to the queue. */
  retire(): void {
    this.#isRetired = true;
    this.#closeOnceDone();
  }

  #tell(): void {
    clearTimeout(this.#telling);
    this.#telling = undefined;
    if (this.#done.length === 0) return;
    const done = this.#done;
    this.#done = [];
    this.#toldAt = performance.now();
    try {
      this.#window.ack(done);
    } catch {
      // The connection is closing: the server hands them over again.
    }
    this.#closeOnceDone();
  }

  #closeOnceDone(): void {
    const isDone = this.#done.length === 0 && this.#window.isEmpty;
    if (this.#isRetired && this.#open && isDone) void this.channel.close().catch(() => undefined);
  }
}

export interface QueueReaderOptions {
  readonly link: Link;
  readonly topology: Topology;
  /** The application's name of the queue, and what it is called on the server. */
  readonly queue: string;
  readonly serverQueue: string;
  readonly prefetch: number;
  readonly patienceMs: number;
  readonly logger: BrokerOptions['logger'];
  readonly onMessage: (message: ConsumeMessage, session: Session) => void;
  /** A session is over, and with it every message of it. */
  readonly onOver: (session: Session) => void;
}

/** Consumes one queue on a channel of its own, and does so again whatever ends the channel, until it is told to stop. */
export class QueueReader {
  readonly #options: QueueReaderOptions;
  readonly #closing = new AbortController();
  #session: Session | undefined;
  #tag: string | undefined;
  readonly #retired = new Set<Session>();
  #working: Promise<void> = Promise.resolve();
  #wanted = false;

  constructor(options: QueueReaderOptions) {
    this.#options = options;
  }

  get isConsuming(): boolean {
    return this.#wanted;
  }

  /** Consumes from now on. */
  resume(): void {
    if (this.#wanted || this.#closing.signal.aborted) return;
    this.#wanted = true;
    this.#working = this.#working.then(() => this.#consume());
  }

  /** Takes no more; resolves once nothing more will arrive. What has arrived stays with who was told of it. */
  pause(): Promise<void> {
    this.#wanted = false;
    this.#working = this.#working.then(async () => {
      const tag = this.#tag;
      this.#tag = undefined;
      if (tag !== undefined) await this.#session?.channel.cancel(tag).catch(() => undefined);
    });
    return this.#working;
  }

  async close(): Promise<void> {
    this.#wanted = false;
    this.#closing.abort();
    for (const { channel } of this.#retired) void channel.close().catch(() => undefined);
    // Without a channel there is nothing to end, and a server that is away is not waited for.
    if (this.#session === undefined) return;
    await this.pause();
    await this.#session?.close();
  }

  async #consume(): Promise<void> {
    const { queue, logger } = this.#options;
    // Asked for twice where a channel ends while it begins to consume.
    for (
      let pauseMs = FIRST_PAUSE_MS;
      this.#wanted && this.#tag === undefined;
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
    ) {
      try {
        await this.#start();
        return;
      } catch (error) {
        logger?.warn({ error, queue }, 'a queue cannot be consumed now; trying again');
        await sleep(Math.random() * pauseMs, undefined, { signal: this.#closing.signal }).catch(() => undefined);
      }
    }
  }

  async #start(): Promise<void> {
    const { topology, queue, serverQueue, prefetch } = this.#options;
    await topology.queue(queue);
    const session = this.#session ?? (await this.#open());
    await session.channel.prefetch(prefetch);
    let isCancelled = false;
    const { consumerTag } = await session.channel.consume(serverQueue, (message) => {
      isCancelled ||= message === null;
      this.#heard(message, session);
    });
    // Both may come before anybody here is told that it consumes.
    if (isCancelled || !session.isOpen) throw new Error('the consumer ended while it began');
    this.#tag = consumerTag;
  }

  async #open(): Promise<Session> {
    const { link, patienceMs, logger, queue, prefetch, onOver } = this.#options;
    const model = await link.ready(patienceMs);
    const channel = await model.createChannel();
    const session = new Session(channel, prefetch);
    channel.on('error', (error) => logger?.warn({ error, queue }, 'RabbitMQ closed the channel of a consumer'));
    channel.on('handler-error', (error) => logger?.error({ error, queue }, 'a listener of the AMQP client failed'));
    channel.on('close', () => {
      if (this.#session === session) {
        this.#session = undefined;
        this.#tag = undefined;
      }
      this.#retired.delete(session);
      onOver(session);
      this.#again();
    });
    this.#session = session;
    return session;
  }

  /** Nothing in place of a message: the server has cancelled the consumer, since its queue or its node is gone. */
  #heard(message: ConsumeMessage | null, session: Session): void {
    if (message !== null) {
      session.arrived(message);
      this.#options.onMessage(message, session);
      return;
    }
    const { logger, queue, topology } = this.#options;
    logger?.warn({ queue }, 'RabbitMQ cancelled a consumer: its queue was deleted or moved; declaring it again');
    if (this.#session === session) this.#retire(session);
    topology.forget();
    if (!this.#wanted) return;
    this.#working = this.#working
      .then(() => sleep(DELETED_WITHIN_MS, undefined, { signal: this.#closing.signal }).catch(() => undefined))
      .then(() => this.#consume());
  }

  /**
   * A channel that knew a queue of this name before mixes it up with the new one (RabbitMQ 3.10: messages are handed
   * over and never arrive), so another is used; what came on this one is settled on this one.
   */
  #retire(session: Session): void {
    this.#retired.add(session);
    session.retire();
    this.#session = undefined;
    this.#tag = undefined;
  }

  #again(): void {
    if (!this.#wanted) return;
    this.#working = this.#working.then(() => this.#consume());
  }
}
