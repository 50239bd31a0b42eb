import { setTimeout as sleep } from 'node:timers/promises';
import { BrokerUnavailableError, type Envelope } from '@brokkr/core/adapter';
import { Cluster, type Redis } from 'ioredis';
import { type Client, leaveWrongDatabase } from './connect.ts';
import { asBrokerError, closedError, isPassing, isRefusal, withoutArguments } from './redis-errors.ts';
import { callWithMessages } from './packed-call.ts';
import type { Reply, Script } from '../scripts/script.ts';

const RETRY_MS = 50;
/** A call that was sent is given this long, however late it was. */
const LEAST_WAIT_MS = 100;
/** Three times as long as a bell is waited for: a client that has had no answer for so long is replaced. */
const SILENCE_MS = 15_000;

/** Of a script; or messages, each as its id and its bytes. */
export type Arguments = readonly (string | Buffer)[] | { readonly messages: readonly Envelope[] };

export interface CallOptions {
  /** Bounds this call, milliseconds. @default timeoutMs of the connection */
  readonly timeoutMs?: number | undefined;
  /** Ends the wait for a server that is unreachable. A call that was sent is still waited for. */
  readonly signal?: AbortSignal | undefined;
  /** Asks a server that did not pass the check too. */
  readonly unchecked?: boolean | undefined;
}

export interface ConnectionOptions {
  /** Bounds every call, including the wait for a server that is unreachable, milliseconds. */
  readonly timeoutMs: number;
  /** Run once, after the first connect and before the first call. */
  readonly check: (client: Client) => Promise<void>;
  /** Makes another client in place of one that never comes back; left out, the client is somebody else's and is told to reconnect. */
  readonly renew?: (() => Client) | undefined;
  /** How long every call may fail before that. @default 15_000 */
  readonly silenceMs?: number | undefined;
}

/** One client for commands. A call waits for the server with a bound, and tries again while its failure is a passing one. */
export class Connection {
  readonly #options: ConnectionOptions;
  #client: Client;
  #checking: Promise<void> | undefined;
  #isChecked = false;
  #closed = false;
  #breaks = 0;
  /** When the first of the calls that failed since the last answer did. */
  #failingSince: number | undefined;
  /** Why the server let the client in no more, until it does again. */
  #refusal: unknown;
  /** Ends of the calls that have no answer. */
  readonly #unanswered = new Set<(error: Error) => void>();

  constructor(client: Client, options: ConnectionOptions) {
    this.#options = options;
    this.#client = this.#watched(client);
  }

  get client(): Client {
    return this.#client;
  }

  /** How often it broke: a call that is answered after a break may have been sent twice. */
  get breaks(): number {
    return this.#breaks;
  }

  /** @throws BrokerUnavailableError (`BROKER_UNAVAILABLE`) if the server does not answer within the timeout */
  run(script: Script, key: string, args: Arguments, options?: CallOptions): Promise<Reply> {
    return this.call((client) => evaluate(client, script, key, args), options);
  }

  /** @throws BrokerUnavailableError (`BROKER_UNAVAILABLE`) if the server does not answer within the timeout */
  call<T>(send: (client: Client) => Promise<T>, options: CallOptions = {}): Promise<T> {
    const giveUpAt = performance.now() + (options.timeoutMs ?? this.#options.timeoutMs);
    if (this.#closed || !this.#isChecked || this.client.status !== 'ready') {
      return this.#persist(send, giveUpAt, options);
    }
    // Most calls are answered at once: they wait for one promise only.
    return this.#answered(send(this.client), giveUpAt, (error) => {
      this.#judge(error, giveUpAt, options.signal);
      return sleep(RETRY_MS).then(() => this.#persist(send, giveUpAt, options));
    });
  }

  async #persist<T>(
    send: (client: Client) => Promise<T>,
    giveUpAt: number,
    { signal, unchecked }: CallOptions,
  ): Promise<T> {
    for (;;) {
      if (this.#closed) throw closedError();
      try {
        if (this.client.status !== 'ready') await this.#untilReady(giveUpAt, signal);
        if (!this.#isChecked && unchecked !== true) await this.#answered(this.#once(), giveUpAt);
        return await this.#answered(send(this.client), giveUpAt);
      } catch (error) {
        this.#judge(error, giveUpAt, signal);
        await sleep(RETRY_MS);
      }
    }
  }

  /** Returns where the call may be tried again. */
  #judge(error: unknown, giveUpAt: number, signal: AbortSignal | undefined): void {
    if (this.#closed) throw closedError();
    if (isPassing(error) || error instanceof BrokerUnavailableError) this.#failed();
    else this.#failingSince = undefined;
    if (!isPassing(error) || performance.now() + RETRY_MS >= giveUpAt || signal?.aborted) throw asBrokerError(error);
  }

  /** A server that does not answer is waited for no longer. */
  close(): void {
    this.#closed = true;
    for (const fail of [...this.#unanswered]) fail(closedError());
  }

  /** A client can lose its way for good, whatever the server does: after a long silence it is given up. */
  #failed(): void {
    const now = performance.now();
    this.#failingSince ??= now;
    if (now - this.#failingSince < (this.#options.silenceMs ?? SILENCE_MS)) return;
    this.#failingSince = now;
    const old = this.#client;
    if (this.#options.renew === undefined) {
      old.disconnect(true);
      return;
    }
    this.#breaks++;
    this.#client = this.#watched(this.#options.renew());
    old.disconnect();
  }

  #watched(client: Client): Client {
    client.setMaxListeners(0);
    // Every call that suffers from it reports it; without a listener the process would end.
    client.on('error', (error) => {
      if (isRefusal(error)) this.#refusal = error;
    });
    client.on('ready', () => {
      this.#refusal = undefined;
    });
    leaveWrongDatabase(client, true);
    const count = () => this.#breaks++;
    if (client instanceof Cluster) client.on('+node', (node: Redis) => node.on('close', count));
    else client.on('close', count);
    return client;
  }

  /**
   * A client can wait for ever for a server that went dead without a word (in its own greeting, for instance), so the
   * bound is ours: past it the connection is thrown away and made anew.
   */
  #answered<T>(
    answer: Promise<T>,
    giveUpAt: number,
    otherwise: (error: unknown) => Promise<T> = (error) => Promise.reject(error),
  ): Promise<T> {
    return new Promise((resolve) => {
      const fail = (error: unknown) => {
        // A client may reject what has been given up before: nobody would catch what comes of that.
        if (!this.#unanswered.delete(fail)) return;
        clearTimeout(timer);
        resolve(new Promise((retried) => retried(otherwise(error))));
      };
      const timer = setTimeout(
        () => {
          fail(new BrokerUnavailableError('Redis does not answer'));
          this.client.disconnect(true);
        },
        Math.max(LEAST_WAIT_MS, giveUpAt - performance.now()),
      );
      this.#unanswered.add(fail);
      answer.then((value) => {
        if (!this.#unanswered.delete(fail)) return;
        clearTimeout(timer);
        this.#failingSince = undefined;
        resolve(value);
      }, fail);
    });
  }

  /** The check of the server; one that failed in passing is run again by the next call. */
  async #once(): Promise<void> {
    this.#checking ??= this.#options.check(this.client);
    try {
      await this.#checking;
      this.#isChecked = true;
    } catch (error) {
      if (isPassing(error)) this.#checking = undefined;
      throw error;
    }
  }

  #untilReady(giveUpAt: number, signal: AbortSignal | undefined): Promise<void> {
    const { client } = this;
    const since = performance.now();
    let last: unknown;
    if (client.status === 'wait' || client.status === 'end') client.connect().catch(() => undefined);
    return new Promise((resolve, reject) => {
      const onError = (error: unknown) => {
        last = error;
        if (isRefusal(error)) stop(() => reject(error));
      };
      const stop = (end: () => void) => {
        clearTimeout(timer);
        client.off('ready', onReady);
        client.off('error', onError);
        client.off('end', onEnd);
        signal?.removeEventListener('abort', onEnd);
        end();
      };
      const onReady = () => stop(resolve);
      const onEnd = () =>
        stop(() => reject(this.#closed ? closedError() : this.#unreachable(last, performance.now() - since)));
      const timer = setTimeout(onEnd, Math.max(0, giveUpAt - performance.now()));
      client.on('ready', onReady);
      client.on('error', onError);
      client.on('end', onEnd);
      signal?.addEventListener('abort', onEnd, { once: true });
      if (signal?.aborted) onEnd();
    });
  }

  /** @param last what the client said in the `waitedMs` in which it was waited for */
  #unreachable(last: unknown, waitedMs: number): unknown {
    if (last === undefined && this.#refusal !== undefined) return this.#refusal;
    const cause = last === undefined ? noAnswer(waitedMs) : withoutArguments(last);
    return new BrokerUnavailableError('Redis cannot be reached now; see the cause', { cause });
  }
}

/** What a server that speaks something else does: it waits for more. */
function noAnswer(waitedMs: number): Error {
  return new Error(
    `no answer within ${Math.ceil(waitedMs)} ms; see that Redis listens on this port, with TLS for rediss: and without for redis:`,
  );
}

/** By its digest; where the server has forgotten it (a restart, a fail-over, SCRIPT FLUSH) in full, which it then keeps. */
function evaluate(client: Client, script: Script, key: string, args: Arguments): Promise<Reply> {
  return evaluateAs(client, 'EVALSHA', script.sha, key, args).catch((error: unknown) => {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    return evaluateAs(client, 'EVAL', script.lua, key, args);
  });
}

function evaluateAs(client: Client, name: string, script: string, key: string, args: Arguments): Promise<Reply> {
  if ('messages' in args) return callWithMessages(client, name, script, key, args.messages);
  return client.callBuffer(name, script, 1, key, ...args) as Promise<Reply>;
}
