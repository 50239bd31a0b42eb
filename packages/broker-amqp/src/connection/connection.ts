import { setTimeout as sleep } from 'node:timers/promises';
import { type BrokerOptions, BrokerUnavailableError } from '@brokkr/core/adapter';
import { type Channel, type ChannelModel, connect } from 'amqplib';
import type { AmqpTarget } from './amqp-url.ts';
import { closedError, unavailable } from './amqp-errors.ts';
import { withTimeout } from './with-timeout.ts';

const LONGEST_PAUSE_MS = 2_000;
const FIRST_PAUSE_MS = 50;

export interface ConnectionOptions {
  /** Names the connection in RabbitMQ's list of connections. */
  readonly purpose: 'publish' | 'consume';
  readonly timeoutMs: number;
  readonly logger: BrokerOptions['logger'];
}

/** A connection that comes back: one socket at a time, to any of the hosts, with a jittered pause between attempts. */
export class Connection {
  /** Milliseconds that a caller waits for the connection, or for one answer of the server. */
  readonly timeoutMs: number;
  readonly #target: AmqpTarget;
  readonly #logger: BrokerOptions['logger'];
  readonly #purpose: string;
  readonly #closing = new AbortController();
  /** Ends the attempt to connect that is under way. */
  #dialing = new AbortController();
  readonly #waiting = new Set<(end: ChannelModel | Error) => void>();
  readonly #onUp = new Set<() => void>();
  #model: ChannelModel | undefined;
  #connecting: Promise<void> | undefined;
  #lastError: unknown;
  #host: number;
  #blocked = false;

  constructor(target: AmqpTarget, { purpose, timeoutMs, logger }: ConnectionOptions) {
    this.timeoutMs = timeoutMs;
    this.#target = target;
    this.#purpose = purpose;
    this.#logger = logger;
    this.#host = Math.floor(Math.random() * target.hosts.length);
  }

  /** The server takes nothing from publishers now: a memory or disk alarm. */
  get isBlocked(): boolean {
    return this.#blocked;
  }

  /** Why there is no connection now; nothing where there is one, or the first attempt is still under way. */
  get trouble(): unknown {
    return this.#model === undefined ? this.#lastError : undefined;
  }

  /** The connection, where there is one now. */
  get current(): ChannelModel | undefined {
    return this.#model;
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Called each time a connection stands, and each time the server lifts its alarm. */
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
      const timer = setTimeout(() => end(unavailable(this.#lastError ?? noAnswer(timeoutMs))), timeoutMs);
      this.#waiting.add(end);
    });
  }

  /**
   * Runs `use` on a channel of its own, which an error of the server's may close without harm to others.
   * @throws BrokerUnavailableError if there is none within `timeoutMs`; `use` limits its own waits
   */
  async withChannel<T>(use: (channel: Channel) => Promise<T>): Promise<T> {
    const model = await this.ready();
    const channel = await this.withTimeout(model.createChannel());
    channel.on('error', () => undefined);
    let isSilent = false;
    try {
      return await use(channel);
    } catch (error) {
      isSilent = error instanceof BrokerUnavailableError;
      throw error;
    } finally {
      // An error has closed it already, and one who has not answered is not waited for again.
      const closed = this.withTimeout(channel.close()).catch(() => undefined);
      if (!isSilent) await closed;
    }
  }

  /**
   * Waits for an answer of the server for at most `timeoutMs`.
   * @throws BrokerUnavailableError if none came, or the connection broke. A refusal keeps its reply code.
   */
  withTimeout<T>(answer: Promise<T>): Promise<T> {
    return withTimeout(this, answer);
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
    await ended(model);
  }

  async #connect(): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; !this.isClosed; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        this.#adopt(await this.#dial());
        return;
      } catch (error) {
        this.#lastError = this.#explained(error);
        await sleep(Math.random() * pauseMs, undefined, { signal: this.#closing.signal }).catch(() => undefined);
      }
    }
  }

  async #dial(): Promise<ChannelModel> {
    const { hosts, tls, username, password, vhost, heartbeatS, connectTimeoutMs } = this.#target;
    const { host, port } = hosts[this.#host++ % hosts.length] as (typeof hosts)[number];
    this.#dialing = new AbortController();
    const socket = {
      signal: this.#dialing.signal,
      timeout: connectTimeoutMs,
      noDelay: true,
      keepAlive: true,
      clientProperties: { connection_name: `brokkr ${this.#purpose}` },
      ...tls,
    };
    // The client decodes the name of the virtual host.
    const target = {
      hostname: host,
      port,
      username,
      password,
      vhost: encodeURIComponent(vhost),
      heartbeat: heartbeatS,
    };
    return connect({ protocol: tls === undefined ? 'amqp' : 'amqps', ...target }, socket);
  }

  /** The client keeps to itself why a server refused the last step of the greeting: the virtual host is all it is about. */
  #explained(error: unknown): unknown {
    const isRefused = error instanceof Error && error.message.startsWith('Expected ConnectionOpenOk');
    if (!isRefused) return error;
    const vhost = JSON.stringify(this.#target.vhost);
    return new Error(`there is no virtual host ${vhost}, or this user may not use it`, { cause: error });
  }

  #adopt(model: ChannelModel): void {
    if (this.isClosed) {
      void ended(model);
      return;
    }
    corkWrites(model);
    this.#connecting = undefined;
    this.#model = model;
    this.#blocked = false;
    // Without listeners an error would end the process; `close` follows each, and is what counts.
    model.on('error', (error) => {
      this.#lastError = error;
    });
    model.on('handler-error', (error) => this.#logger?.error({ error }, 'a listener of the AMQP client failed'));
    model.on('blocked', (reason) => {
      this.#blocked = true;
      this.#logger?.warn({ reason }, 'RabbitMQ takes no messages: an alarm for memory or disk is on');
    });
    model.on('unblocked', () => {
      this.#blocked = false;
      this.#tellUp();
    });
    model.on('close', (error) => this.#lost(error));
    for (const end of [...this.#waiting]) end(model);
    this.#tellUp();
  }

  #lost(error: Error | undefined): void {
    this.#model = undefined;
    this.#blocked = false;
    if (this.isClosed) return;
    this.#lastError = error ?? new BrokerUnavailableError('the connection was closed');
    this.#logger?.warn(
      { error: this.#lastError, connection: this.#purpose },
      'the connection to RabbitMQ broke; coming back',
    );
    this.#connecting ??= this.#connect();
  }

  #tellUp(): void {
    for (const listener of [...this.#onUp]) listener();
  }
}

/** What a server that speaks something else does: it waits for more. */
function noAnswer(waitedMs: number): Error {
  return new Error(
    `no answer within ${Math.ceil(waitedMs)} ms; see that RabbitMQ listens on this port, with TLS for amqps: and without for amqp:`,
  );
}

/** What the client does not tell of its connection. */
interface ConnectionInside {
  readonly stream?: { destroy(error: Error): void; cork(): void; uncork(): void };
  readonly muxer?: { _readIncoming?: () => void };
}

/** The client's own close waits for the server's word. A server that says nothing is not waited for. */
async function ended(model: ChannelModel): Promise<void> {
  await Promise.race([model.close().catch(() => undefined), sleep(LONGEST_PAUSE_MS, undefined, { ref: false })]);
  // With an error: the client takes no other end for one, and would send heartbeats for as long as two are missed.
  (model.connection as ConnectionInside).stream?.destroy(new Error('closed'));
}

/**
 * The client gathers the frames of one turn of the event loop and then makes a system call for each; corked, they go
 * in one. That was half of its processor time. A client that is built otherwise stays as it is.
 */
function corkWrites(model: ChannelModel): void {
  const { stream, muxer } = model.connection as ConnectionInside;
  const writeGathered = muxer?._readIncoming;
  if (stream === undefined || muxer === undefined || writeGathered === undefined) return;
  muxer._readIncoming = function (this: unknown) {
    stream.cork();
    try {
      writeGathered.call(this);
    } finally {
      stream.uncork();
    }
  };
}
