import { setTimeout as sleep } from 'node:timers/promises';
import type { BrokerOptions } from '@brokkr/core/adapter';
import type { ConsumeMessage } from 'amqplib';
import type { Connection } from '../connection/connection.ts';
import { Session } from '../connection/session.ts';
import { DELETED_WITHIN_MS, type Topology } from '../topology/topology.ts';

const LONGEST_PAUSE_MS = 2_000;
const FIRST_PAUSE_MS = 50;

export interface QueueReaderOptions {
  readonly connection: Connection;
  readonly topology: Topology;
  /** The application's name of the queue, and what it is called on the server. */
  readonly queue: string;
  readonly serverQueue: string;
  readonly prefetch: number;
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
      if (tag !== undefined) await this.#session?.cancel(tag).catch(noMatter);
    });
    return this.#working;
  }

  /** As `pause`, before `close`: what was acknowledged is so for good, and what is from then on is told in few frames. */
  async drainAcks(): Promise<void> {
    await this.pause();
    const session = this.#session;
    // Its consumer ended before they were sent, so another one does: what little it takes is told of as ever.
    if (session?.hasUnproven === true)
      await this.#begin(session, 1)
        .then((tag) => session.cancel(tag))
        .catch(noMatter);
    session?.gather();
  }

  async close(): Promise<void> {
    this.#wanted = false;
    this.#closing.abort();
    // Without a channel there is nothing to end, and a server that is away is not waited for.
    if (this.#session !== undefined) await this.pause();
    await Promise.all([...this.#retired, this.#session].map((session) => session?.close()));
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
    const { topology, queue, prefetch } = this.#options;
    await topology.queue(queue);
    const session = this.#session ?? (await this.#open());
    this.#tag = await this.#begin(session, prefetch);
  }

  /** Answers with the consumer's tag. */
  async #begin(session: Session, prefetch: number): Promise<string> {
    await session.channel.prefetch(prefetch);
    let isCancelled = false;
    const { consumerTag } = await session.channel.consume(this.#options.serverQueue, (message) => {
      isCancelled ||= message === null;
      this.#heard(message, session);
    });
    // Both may come before anybody here is told that it consumes.
    if (isCancelled || !session.isOpen) throw new Error('the consumer ended while it began');
    return consumerTag;
  }

  async #open(): Promise<Session> {
    const { connection, logger, queue, serverQueue, prefetch, onOver } = this.#options;
    const model = await connection.ready();
    const channel = await model.createChannel();
    const session = new Session(channel, serverQueue, prefetch);
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

/** The channel has ended: the server hands over again what came on it. */
function noMatter(): void {}
