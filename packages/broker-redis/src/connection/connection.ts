import { setTimeout as sleep } from 'node:timers/promises';
import { BrokerUnavailableError, systemClock } from '@brokkr/core/adapter';
import type { Redis } from 'ioredis';
import type { Reply, Script } from '../scripts/script.ts';
import { type Client, isCluster, leaveWrongDatabase } from './connect.ts';
import { type Arguments, evaluate } from './evaluate.ts';
import {
  asBrokerError,
  closedError,
  isPassing,
  isRefusal,
  noAnswer,
  nothingStored,
  unreachable,
} from './redis-errors.ts';
import { refusalOf } from './rights.ts';

export type { Arguments } from './evaluate.ts';

const RETRY_MS = 50;
/** A call that was sent is waited for at least this long, even if its time is nearly over. */
const LEAST_WAIT_MS = 100;
/** Three times as long as a doorbell blocks: a client that has had no answer for so long is replaced. */
const SILENCE_MS = 15_000;
/** How often a user that lacks rights is asked for them again: a person may have granted them. */
const RIGHTS_AGAIN_MS = 5_000;

export interface CallOptions {
  /** Bounds this call, milliseconds. @default timeoutMs of the connection */
  readonly timeoutMs?: number | undefined;
  /** Ends the wait for a server that is unreachable. A call that was sent is still waited for. */
  readonly signal?: AbortSignal | undefined;
  /** Sends the call although the server has not passed the check. */
  readonly unchecked?: boolean | undefined;
}

export interface ConnectionOptions {
  /** Where the server is, for errors: `127.0.0.1:6379`. Without login. */
  readonly address: string;
  /** Bounds every call, including the wait for a server that is unreachable, milliseconds. */
  readonly timeoutMs: number;
  /** Runs once, after the first connect and before the first call. */
  readonly check: (client: Client) => Promise<void>;
  /** The commands that the user may not run: scripts that call one are refused. Is asked after the check. */
  readonly missingCommands: (client: Client) => Promise<ReadonlySet<string>>;
  /** Creates a client that is not connected yet: the first one, and another one when a client never reconnects. */
  readonly connect: () => Client;
  /** How long every call may fail before the client is replaced. @default 15_000 */
  readonly silenceMs?: number | undefined;
}

/** One client for commands. A call waits for the server up to a timeout, and is sent again if its failure may pass. */
export class Connection {
  readonly #options: ConnectionOptions;
  #client: Client;
  #checking: Promise<void> | undefined;
  #isChecked = false;
  /** Whether any call was sent. Before that, no message of this process can be stored. */
  #hasSent = false;
  #closed = false;
  #breaks = 0;
  #missing: ReadonlySet<string> = new Set();
  #rightsReadAt = Number.NEGATIVE_INFINITY;
  /** When the first of the calls failed that have failed since the last answer. */
  #failingSince: number | undefined;
  /** Why the server refused the login or the database, until it answers a call. */
  #refusal: unknown;
  /** Why the last attempt to connect failed; cleared by one that succeeds. */
  #connectError: unknown;
  /** Rejects everything that is waited for: answers, and a connect. */
  readonly #pending = new Set<(error: Error) => void>();

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#client = this.#watched(options.connect());
  }

  get client(): Client {
    return this.#client;
  }

  /** How often the connection broke. A call that is answered after a break may have been sent twice. */
  get breaks(): number {
    return this.#breaks;
  }

  /** @throws BrokerUnavailableError (`BROKER_UNAVAILABLE`) if the server does not answer within the timeout */
  run(script: Script, keys: string | readonly string[], args: Arguments, options?: CallOptions): Promise<Reply> {
    return this.call((client) => {
      const send = () => evaluate(client, script, keys, args);
      return this.#missing.size === 0 ? send() : this.#checkRights(client, script).then(send);
    }, options);
  }

  /** @throws BrokerUnavailableError (`BROKER_UNAVAILABLE`) if the server does not answer within the timeout */
  call<T>(send: (client: Client) => Promise<T>, options: CallOptions = {}): Promise<T> {
    const giveUpAt = performance.now() + (options.timeoutMs ?? this.#options.timeoutMs);
    if (this.#closed || !this.#isChecked || this.client.status !== 'ready') {
      return this.#tryUntil(send, giveUpAt, options);
    }
    this.#hasSent = true;
    // Fast path: most calls are answered at the first try, and wait for one promise only.
    return this.#answered(send(this.client), giveUpAt, (error) => {
      this.#throwUnlessPassing(error, giveUpAt, options.signal);
      return sleep(RETRY_MS).then(() => this.#tryUntil(send, giveUpAt, options));
    });
  }

  /**
   * Rejects all calls that wait, and disconnects. Nothing keeps the process alive afterwards, whatever state the
   * connection was in.
   */
  close(): void {
    this.#closed = true;
    for (const fail of [...this.#pending]) fail(closedError());
    this.#client.disconnect();
  }

  async #tryUntil<T>(
    send: (client: Client) => Promise<T>,
    giveUpAt: number,
    { signal, unchecked }: CallOptions,
  ): Promise<T> {
    for (;;) {
      if (this.#closed) throw closedError();
      try {
        if (this.client.status !== 'ready') await this.#untilReady(giveUpAt, signal);
        if (!this.#isChecked && unchecked !== true) await this.#answered(this.#checkOnce(), giveUpAt);
        this.#hasSent = true;
        return await this.#answered(send(this.client), giveUpAt);
      } catch (error) {
        this.#throwUnlessPassing(error, giveUpAt, signal);
        await sleep(RETRY_MS);
      }
    }
  }

  /** Returns if the call may be sent again; otherwise throws. */
  #throwUnlessPassing(error: unknown, giveUpAt: number, signal: AbortSignal | undefined): void {
    if (this.#closed) throw closedError();
    if (isPassing(error) || error instanceof BrokerUnavailableError) this.#failed();
    else this.#failingSince = undefined;
    // A connection that the server refuses is closed at once: the refusal is the reason, not the closed connection.
    const cause = isPassing(error) ? (this.#refusal ?? error) : error;
    if (isPassing(cause) && performance.now() + RETRY_MS < giveUpAt && !signal?.aborted) return;
    const failure = asBrokerError(cause, this.#options.address);
    throw this.#hasSent ? failure : nothingStored(failure);
  }

  /** Replaces the client after a long silence: it can stop reconnecting for good, whatever the server does. */
  #failed(): void {
    const now = performance.now();
    this.#failingSince ??= now;
    if (now - this.#failingSince < (this.#options.silenceMs ?? SILENCE_MS)) return;
    this.#failingSince = now;
    const old = this.#client;
    this.#breaks++;
    this.#client = this.#watched(this.#options.connect());
    old.disconnect();
  }

  #watched(client: Client): Client {
    client.setMaxListeners(0);
    // Every call that fails reports the error. Without a listener, the client would print it.
    client.on('error', (error) => {
      if (isRefusal(error)) this.#refusal = error;
      this.#connectError = error;
    });
    client.on('connect', () => {
      this.#connectError = undefined;
    });
    leaveWrongDatabase(client, true);
    const count = () => this.#breaks++;
    if (isCluster(client)) client.on('+node', (node: Redis) => node.on('close', count));
    else client.on('close', count);
    return client;
  }

  /**
   * Waits for an answer up to `giveUpAt`. ioredis can wait forever for a server that died without closing the
   * connection, for example in its handshake: after the timeout the connection is thrown away and made again.
   */
  #answered<T>(
    answer: Promise<T>,
    giveUpAt: number,
    otherwise: (error: unknown) => Promise<T> = (error) => Promise.reject(error),
  ): Promise<T> {
    return new Promise((resolve) => {
      const fail = (error: unknown) => {
        // The client may reject a command after its timeout. A rejection that is created here has no listener then.
        if (!this.#pending.delete(fail)) return;
        systemClock.clearTimeout(timer);
        resolve(new Promise((retried) => retried(otherwise(error))));
      };
      const waitMs = Math.max(LEAST_WAIT_MS, giveUpAt - performance.now());
      const timer = systemClock.setTimeout(() => {
        fail(unreachable(this.#connectError ?? noAnswer(waitMs), this.#options.address));
        this.client.disconnect(true);
      }, waitMs);
      this.#pending.add(fail);
      answer.then((value) => {
        if (!this.#pending.delete(fail)) return;
        systemClock.clearTimeout(timer);
        this.#failingSince = undefined;
        this.#refusal = undefined;
        resolve(value);
      }, fail);
    });
  }

  /** Checks the server once. A check that failed for a passing reason is repeated by the next call. */
  async #checkOnce(): Promise<void> {
    this.#checking ??= this.#options.check(this.client).then(() => this.#readRights(this.client));
    try {
      await this.#checking;
      this.#isChecked = true;
    } catch (error) {
      if (isPassing(error)) this.#checking = undefined;
      throw error;
    }
  }

  async #readRights(client: Client): Promise<void> {
    this.#missing = await this.#options.missingCommands(client);
    this.#rightsReadAt = performance.now();
  }

  /** @throws Error as the server's, if the script calls a command that the user may not run */
  async #checkRights(client: Client, script: Script): Promise<void> {
    if (performance.now() - this.#rightsReadAt > RIGHTS_AGAIN_MS) await this.#readRights(client);
    const refusal = refusalOf(script, this.#missing);
    if (refusal !== undefined) throw refusal;
  }

  /** Resolves once the client is connected and logged in. */
  #untilReady(giveUpAt: number, signal: AbortSignal | undefined): Promise<void> {
    const { client } = this;
    const since = performance.now();
    let last: unknown;
    if (client.status === 'wait' || client.status === 'end') client.connect().catch(() => undefined);
    return new Promise((resolve, reject) => {
      const onError = (error: unknown) => {
        last = error;
        if (isRefusal(error)) fail(error);
      };
      const stop = () => {
        clearTimeout(timer);
        this.#pending.delete(fail);
        client.off('ready', onReady);
        client.off('error', onError);
        client.off('end', onEnd);
        signal?.removeEventListener('abort', onEnd);
      };
      const fail = (error: unknown) => {
        stop();
        reject(error);
      };
      const onReady = () => {
        stop();
        resolve();
      };
      const onEnd = () => fail(this.#whyUnreachable(last, performance.now() - since));
      const timer = setTimeout(onEnd, Math.max(0, giveUpAt - performance.now()));
      this.#pending.add(fail);
      client.on('ready', onReady);
      client.on('error', onError);
      client.on('end', onEnd);
      signal?.addEventListener('abort', onEnd, { once: true });
      if (signal?.aborted) onEnd();
    });
  }

  /** @param last the last error of the client within `waitedMs` */
  #whyUnreachable(last: unknown, waitedMs: number): unknown {
    if (last === undefined && this.#refusal !== undefined) return this.#refusal;
    return unreachable(last ?? this.#connectError ?? noAnswer(waitedMs), this.#options.address);
  }
}
