import { setTimeout as sleep } from 'node:timers/promises';
import { backoff, type BrokerOptions } from '@brokkr/core/adapter';
import type { ConsumeMessage } from 'amqplib';
import type { Session } from '../connection/session.ts';
import type { SessionPool } from '../connection/session-pool.ts';
import { DELETED_WITHIN_MS, type Topology } from '../topology/topology.ts';

export interface QueueReaderOptions {
  readonly sessions: SessionPool;
  readonly topology: Topology;
  /** The application's name of the queue, and its name on the server. */
  readonly queue: string;
  readonly serverQueue: string;
  readonly prefetch: number;
  readonly logger: BrokerOptions['logger'];
  readonly onMessage: (message: ConsumeMessage, session: Session) => void;
  /** Called when a session has ended, and with it every message that arrived on it. */
  readonly onOver: (session: Session) => void;
}

/**
 * Consumes one queue until it is paused or closed. It starts again after its consumer or channel ends, for any reason.
 */
export class QueueReader {
  readonly #options: QueueReaderOptions;
  readonly #closing = new AbortController();
  /** The session in use, and those whose messages are still to be settled; each with the function that stops listening to it. */
  readonly #sessions = new Map<Session, () => void>();
  #session: Session | undefined;
  #tag: string | undefined;
  #stopGathering: (() => void) | undefined;
  #working: Promise<void> = Promise.resolve();
  #wanted = false;

  constructor(options: QueueReaderOptions) {
    this.#options = options;
  }

  /** Whether it is to consume: its consumer has started, or will. */
  get isWanted(): boolean {
    return this.#wanted;
  }

  /** Whether its consumer has started. */
  get hasConsumer(): boolean {
    return this.#tag !== undefined;
  }

  /** Starts to consume. */
  resume(): void {
    if (this.#wanted || this.#closing.signal.aborted) return;
    this.#wanted = true;
    this.#working = this.#working.then(() => this.#consume());
  }

  /** Stops consuming. Resolves once no more messages will arrive; those that arrived may still be settled. */
  pause(): Promise<void> {
    this.#wanted = false;
    this.#working = this.#working.then(async () => {
      const tag = this.#tag;
      this.#tag = undefined;
      if (tag !== undefined) await this.#session?.cancel(tag, this.#options.serverQueue).catch(ignoreEndedChannel);
    });
    return this.#working;
  }

  /** Resolves once all messages that the server has pushed before this call have arrived. */
  async roundTrip(): Promise<void> {
    await this.#session?.roundTrip().catch(ignoreEndedChannel);
  }

  /**
   * Pauses, and makes sure that the queue has every acknowledgement sent so far. Call it before `close`: RabbitMQ forgets
   * acknowledgements that a closing channel has not passed on (see `Acknowledgements`). Later ones are sent together.
   */
  async drainAcks(): Promise<void> {
    await this.pause();
    const { serverQueue } = this.#options;
    const session = this.#session;
    if (session === undefined) return;
    // The answer to a cancel proves all acknowledgements sent before it. The consumer was cancelled before some were
    // sent, so start another and cancel that. A message it receives until then is passed to `onMessage` as usual.
    if (session.hasUnproven(serverQueue))
      await this.#begin(session, 1)
        .then((tag) => session.cancel(tag, serverQueue))
        .catch(ignoreEndedChannel);
    this.#stopGathering = session.gather();
  }

  async close(): Promise<void> {
    this.#wanted = false;
    this.#closing.abort();
    // Without a session there is no consumer to end, and an unreachable server is not waited for.
    if (this.#session !== undefined) await this.pause();
    const { sessions } = this.#options;
    await Promise.all(
      [...this.#sessions].map(([session, stopListening]) => {
        stopListening();
        return sessions.release(session);
      }),
    );
    this.#sessions.clear();
    this.#stopGathering?.();
  }

  async #consume(): Promise<void> {
    const { queue, logger } = this.#options;
    // Called twice if a channel ends while its consumer begins.
    for (let pauseMs = backoff(0); this.#wanted && this.#tag === undefined; pauseMs = backoff(pauseMs)) {
      try {
        await this.#start();
        return;
      } catch (error) {
        logger?.warn({ error, queue }, 'cannot consume a queue; trying again');
        await sleep(Math.random() * pauseMs, undefined, { signal: this.#closing.signal }).catch(() => undefined);
      }
    }
  }

  async #start(): Promise<void> {
    const { topology, queue, prefetch } = this.#options;
    await topology.declareQueue(queue);
    const session = this.#session ?? (await this.#enter());
    this.#tag = await this.#begin(session, prefetch);
  }

  /** Starts a consumer, and returns its tag. */
  async #begin(session: Session, prefetch: number): Promise<string> {
    let isCancelled = false;
    const tag = await session.consume(this.#options.serverQueue, prefetch, (message) => {
      isCancelled ||= message === null;
      this.#onPush(message, session);
    });
    // Both may happen before the server's answer is read here.
    if (isCancelled || !session.isOpen) throw new Error('the consumer ended while it began');
    return tag;
  }

  async #enter(): Promise<Session> {
    const { sessions, onOver } = this.#options;
    const session = await sessions.acquire();
    if (!session.isOpen) throw new Error('the channel closed while it opened');
    const stopListening = session.onOver(() => {
      this.#sessions.delete(session);
      if (this.#session === session) {
        this.#session = undefined;
        this.#tag = undefined;
      }
      onOver(session);
      this.#again();
    });
    this.#sessions.set(session, stopListening);
    this.#session = session;
    return session;
  }

  /** Handles what the server pushes: a message, or `null` when it cancels the consumer because queue or node are gone. */
  #onPush(message: ConsumeMessage | null, session: Session): void {
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
   * Replaces the session after its queue was deleted. RabbitMQ 3.10 confuses a new queue with a deleted one of the same
   * name on the same channel: it delivers messages that never arrive. Messages received on the old session are settled
   * there; then it closes, unless other queues use it.
   */
  #retire(session: Session): void {
    session.leave(this.#options.serverQueue);
    this.#options.sessions.retire(session);
    this.#session = undefined;
    this.#tag = undefined;
  }

  #again(): void {
    if (!this.#wanted) return;
    this.#working = this.#working.then(() => this.#consume());
  }
}

/** The channel has ended: the server delivers its messages again. */
function ignoreEndedChannel(): void {}
