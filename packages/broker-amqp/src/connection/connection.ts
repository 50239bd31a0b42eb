import { setTimeout as sleep } from 'node:timers/promises';
import { backoff, type BrokerHost, type BrokerOptions, BrokerUnavailableError } from '@brokkr/core/adapter';
import type { Channel, ChannelModel, ConfirmChannel } from 'amqplib';
import type { AmqpTarget } from './amqp-url.ts';
import { channelLimit, closedError, noAnswer, unavailable } from './amqp-errors.ts';
import { dial, flushWrites, hangUp } from './dial.ts';
import { negotiated } from './negotiated.ts';
import { SharedSocket } from './shared-socket.ts';
import { Turns } from './turns.ts';
import { withTimeout } from './with-timeout.ts';

/** Closing waits for the server no longer than this. */
const CLOSING_MS = 2_000;
/** A connection that broke sooner than this failed as one that never came about: the next attempt waits longer. */
const STABLE_AFTER_MS = 5_000;
/** Channels that short calls use at the same time: declarations, counts, looks. */
const MOST_SHORT_CALLS = 32;

export interface ConnectionOptions {
  /** Names the connection in RabbitMQ's list of connections. */
  readonly purpose: 'publish' | 'consume';
  /** Milliseconds that a caller waits for the connection, or for one answer of the server. */
  readonly timeoutMs: number;
  readonly logger: BrokerOptions['logger'];
}

/**
 * A connection to one of the hosts that is opened again when it breaks. Attempts that fail wait for 50 ms, doubled up to
 * 2 s, with jitter; so do connections that break soon after they were opened.
 */
export class Connection {
  readonly timeoutMs: number;
  readonly socket = new SharedSocket();
  readonly #target: AmqpTarget;
  readonly #options: ConnectionOptions;
  readonly #closing = new AbortController();
  /** Ends the attempt to connect that is in progress. */
  #dialing = new AbortController();
  readonly #waiting = new Set<(end: ChannelModel | Error) => void>();
  readonly #onUp = new Set<() => void>();
  readonly #shortCalls = new Turns(() => Math.min(MOST_SHORT_CALLS, Math.ceil(this.mostChannels / 8)));
  #model: ChannelModel | undefined;
  #connecting: Promise<void> | undefined;
  #lastError: unknown;
  #nextHost: number;
  #host: BrokerHost;
  #blocked = false;
  /** Bytes that were received when the server did not answer. */
  #silentSince: number | undefined;
  #pauseMs = 0;
  #upAt = Number.NEGATIVE_INFINITY;

  constructor(target: AmqpTarget, options: ConnectionOptions) {
    this.timeoutMs = options.timeoutMs;
    this.#target = target;
    this.#options = options;
    this.#nextHost = Math.floor(Math.random() * target.hosts.length);
    this.#host = target.hosts[this.#nextHost] as BrokerHost;
  }

  /** Host and port of the connection, or of the last attempt. */
  get address(): string {
    const { host, port } = this.#host;
    return `${host.includes(':') ? `[${host}]` : host}:${port}`;
  }

  /** Milliseconds after which the server closes a connection that sends nothing. */
  get silenceLimitMs(): number {
    return 2_000 * this.#target.heartbeatS;
  }

  /** Channels that the server allows in this connection (`channel_max`). */
  get mostChannels(): number {
    return negotiated(this.#model).channelMax;
  }

  /** Bytes of the largest frame that the server takes (`frame_max`). Headers must fit into one frame. */
  get mostFrameBytes(): number {
    return negotiated(this.#model).frameMax;
  }

  /** Whether the server takes no messages now, because of an alarm for memory or disk. */
  get isBlocked(): boolean {
    return this.#blocked;
  }

  /** Why there is no connection; undefined if there is one, or if the first attempt is still in progress. */
  get trouble(): unknown {
    return this.#model === undefined ? this.#lastError : undefined;
  }

  /** Whether there ever was a connection. Before that, the server can have no message of this process. */
  get wasUp(): boolean {
    return this.#upAt > Number.NEGATIVE_INFINITY;
  }

  /** The connection, if there is one now. */
  get current(): ChannelModel | undefined {
    return this.#model;
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Calls `listener` each time a connection is open, and each time the server ends an alarm. */
  onUp(listener: () => void): () => void {
    this.#onUp.add(listener);
    return () => this.#onUp.delete(listener);
  }

  /**
   * Returns the connection, and waits until there is one.
   * @throws BrokerUnavailableError after `timeoutMs`, or once it is closed
   */
  async ready(timeoutMs = this.timeoutMs): Promise<ChannelModel> {
    if (this.#model !== undefined) return this.#model;
    if (this.isClosed) throw closedError();
    this.#connecting ??= this.#connect();
    return new Promise((resolve, reject) => {
      const end = (how: ChannelModel | Error) => {
        clearTimeout(timer);
        this.#waiting.delete(end);
        if (how instanceof Error) reject(how);
        else resolve(how);
      };
      const timer = setTimeout(() => end(unavailable(this.#lastError ?? noAnswer(timeoutMs), this.address)), timeoutMs);
      this.#waiting.add(end);
    });
  }

  /** @throws BrokerUnavailableError after `timeoutMs`; `CHANNEL_LIMIT` if all channels are in use */
  openChannel(): Promise<Channel> {
    return this.#open((model) => model.createChannel());
  }

  /** @throws as `openChannel` */
  openConfirmChannel(): Promise<ConfirmChannel> {
    return this.#open((model) => model.createConfirmChannel());
  }

  /**
   * Runs a short call on a channel of its own, which an error may close without harm to other calls.
   * @throws BrokerUnavailableError as `openChannel`; `use` limits its own waits
   */
  async withChannel<T>(use: (channel: Channel) => Promise<T>): Promise<T> {
    return this.inTurn(async () => {
      const channel = await this.openChannel();
      let isSilent = false;
      try {
        return await use(channel);
      } catch (error) {
        isSilent = error instanceof BrokerUnavailableError;
        throw error;
      } finally {
        // An error has closed it already. A server that did not answer is not waited for again.
        const closed = this.withTimeout(channel.close()).catch(() => undefined);
        if (!isSilent) await closed;
      }
    });
  }

  /** Runs a short call that opens one channel, so that many of them at the same time do not use up all channels. */
  async inTurn<T>(call: () => Promise<T>): Promise<T> {
    // The server's limit of channels is known from then on.
    await this.ready();
    return this.#shortCalls.run(call);
  }

  /** Limits the wait for an answer to `timeoutMs`. @throws as the function `withTimeout` */
  withTimeout<T>(answer: Promise<T>): Promise<T> {
    return withTimeout(this, answer);
  }

  /** Passes all frames to the operating system now, so that a handler that blocks the thread does not delay them. */
  flush(): void {
    if (this.#model !== undefined) flushWrites(this.#model);
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.#closing.abort();
    for (const end of [...this.#waiting]) end(closedError());
    const model = this.#model;
    if (model === undefined) {
      this.#dialing.abort();
      return;
    }
    await hangUp(model, this.closingMs);
  }

  /** Most time in milliseconds that closing waits for an answer of the server: 0 if it did not answer lately. */
  get closingMs(): number {
    return this.#bytesReceived === this.#silentSince ? 0 : Math.min(CLOSING_MS, this.timeoutMs);
  }

  /**
   * Waits for the last answers, for at most `closingMs`. A server that sends nothing in that time is not waited for again;
   * a slow one may still take acknowledgements while the connection closes.
   */
  async lastAnswers(answers: Promise<unknown>): Promise<void> {
    const received = this.#bytesReceived;
    const tooLong = sleep(this.closingMs, true, { ref: false });
    if ((await Promise.race([answers, tooLong])) === true && this.#bytesReceived === received) this.giveUp();
  }

  /** Bytes that the server has sent on this connection. */
  get #bytesReceived(): number {
    const { stream } = (this.#model?.connection ?? {}) as { readonly stream?: { readonly bytesRead?: number } };
    return stream?.bytesRead ?? 0;
  }

  /** The server did not answer before: closing does not wait for it again. */
  giveUp(): void {
    this.#silentSince = this.#bytesReceived;
  }

  async #open<C extends Channel>(create: (model: ChannelModel) => Promise<C>): Promise<C> {
    const model = await this.ready();
    try {
      const channel = await this.withTimeout(create(model));
      // Without a listener an error would end the process. `close` follows each error.
      channel.on('error', () => undefined);
      return channel;
    } catch (error) {
      const cause: unknown = error instanceof BrokerUnavailableError ? error.cause : error;
      if (!(cause instanceof Error && cause.message.startsWith('No channels left'))) throw error;
      throw channelLimit(this.mostChannels, cause);
    }
  }

  async #connect(): Promise<void> {
    while (!this.isClosed) {
      const { signal } = this.#closing;
      if (this.#pauseMs > 0) await sleep(Math.random() * this.#pauseMs, undefined, { signal }).catch(() => undefined);
      if (this.isClosed) return;
      try {
        this.#adopt(await this.#dial());
        return;
      } catch (error) {
        this.#lastError = error;
        this.#pauseMs = backoff(this.#pauseMs);
      }
    }
  }

  #dial(): Promise<ChannelModel> {
    const { hosts } = this.#target;
    this.#host = hosts[this.#nextHost++ % hosts.length] as BrokerHost;
    this.#dialing = new AbortController();
    return dial(this.#target, this.#host, this.#options.purpose, this.#dialing.signal);
  }

  #adopt(model: ChannelModel): void {
    if (this.isClosed) {
      void hangUp(model, this.closingMs);
      return;
    }
    const { logger } = this.#options;
    this.#connecting = undefined;
    this.#model = model;
    this.#blocked = false;
    this.#silentSince = undefined;
    this.#upAt = performance.now();
    // Without a listener an error would end the process. `close` follows each error.
    model.on('error', (error) => {
      this.#lastError = error;
    });
    model.on('handler-error', (error) => logger?.error({ error }, 'a listener of the AMQP client failed'));
    model.on('blocked', (reason) => {
      this.#blocked = true;
      logger?.warn({ reason }, 'RabbitMQ takes no messages: an alarm for memory or disk is on');
    });
    model.on('unblocked', () => {
      this.#blocked = false;
      this.#reportUp();
    });
    model.on('close', (error) => this.#lost(error));
    this.socket.adopt(model);
    for (const end of [...this.#waiting]) end(model);
    this.#reportUp();
  }

  #lost(error: Error | undefined): void {
    this.#model = undefined;
    this.#blocked = false;
    if (this.isClosed) return;
    this.#lastError = error ?? new Error('the connection was closed');
    this.#pauseMs = performance.now() - this.#upAt < STABLE_AFTER_MS ? backoff(this.#pauseMs) : 0;
    this.#options.logger?.warn(
      { error: this.#lastError, connection: this.#options.purpose },
      'the connection to RabbitMQ broke; reconnecting',
    );
    this.#connecting ??= this.#connect();
  }

  #reportUp(): void {
    for (const listener of [...this.#onUp]) listener();
  }
}
