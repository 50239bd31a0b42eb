import { setTimeout as sleep } from 'node:timers/promises';
import { BrokerUnavailableError, type Envelope } from '@brokkr/core';
import type { Client } from './connect.ts';
import { asBrokerError, closedError, isPassing } from './redis-errors.ts';
import { callWithMessages } from './packed-call.ts';
import type { Script } from './scripts/script.ts';

const RETRY_MS = 50;
/** A call that was sent is given this long, however late it was. */
const LEAST_WAIT_MS = 100;

/** What a script answers: integers, bytes, or lists of them. */
export type Reply = number | Buffer | readonly (number | Buffer)[];

/** Of a script; or messages, each as its id and its bytes. */
export type Arguments = readonly (string | Buffer)[] | { readonly messages: readonly Envelope[] };

export interface CallOptions {
  /** How long the server may be away, milliseconds. */
  readonly patienceMs: number;
  /** Ends the wait for a server that is away; what was sent is waited for. */
  readonly signal?: AbortSignal | undefined;
}

/** One client for commands. A call waits for the server with a bound, and tries again while its failure is a passing one. */
export class Connection {
  readonly client: Client;
  readonly #check: () => Promise<void>;
  #checking: Promise<void> | undefined;
  #isChecked = false;
  #closed = false;

  /** @param check run once, after the first connect and before the first call */
  constructor(client: Client, check: (client: Client) => Promise<void>) {
    this.client = client;
    this.#check = () => check(client);
    client.setMaxListeners(0);
    // Every call that suffers from it reports it; without a listener the process would end.
    client.on('error', () => undefined);
  }

  /** @throws BrokerUnavailableError once patience is at its end */
  run(script: Script, key: string, args: Arguments, options: CallOptions): Promise<Reply> {
    return this.call((client) => evaluate(client, script, key, args), options);
  }

  /** @throws BrokerUnavailableError once patience is at its end */
  call<T>(send: (client: Client) => Promise<T>, { patienceMs, signal }: CallOptions): Promise<T> {
    const giveUpAt = performance.now() + patienceMs;
    if (this.#closed || !this.#isChecked || this.client.status !== 'ready') {
      return this.#persist(send, giveUpAt, signal);
    }
    // Most calls are answered at once: they wait for one promise only.
    return this.#answered(send(this.client), giveUpAt, (error) => {
      if (!this.#mayPass(error, giveUpAt, signal)) throw this.#refusal(error);
      return sleep(RETRY_MS).then(() => this.#persist(send, giveUpAt, signal));
    });
  }

  async #persist<T>(
    send: (client: Client) => Promise<T>,
    giveUpAt: number,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    for (;;) {
      if (this.#closed) throw closedError();
      if (this.client.status !== 'ready') await this.#untilReady(giveUpAt, signal);
      try {
        if (!this.#isChecked) await this.#answered(this.#once(), giveUpAt);
        return await this.#answered(send(this.client), giveUpAt);
      } catch (error) {
        if (!this.#mayPass(error, giveUpAt, signal)) throw this.#refusal(error);
        await sleep(RETRY_MS);
      }
    }
  }

  #mayPass(error: unknown, giveUpAt: number, signal: AbortSignal | undefined): boolean {
    return !this.#closed && isPassing(error) && performance.now() + RETRY_MS < giveUpAt && signal?.aborted !== true;
  }

  #refusal(error: unknown): Error {
    return this.#closed ? closedError() : asBrokerError(error);
  }

  close(): void {
    this.#closed = true;
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
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => {
          reject(new BrokerUnavailableError('Redis does not answer'));
          this.client.disconnect(true);
        },
        Math.max(LEAST_WAIT_MS, giveUpAt - performance.now()),
      );
      answer.then(
        (value) => {
          clearTimeout(timer);
          resolve(value);
        },
        (error: unknown) => {
          clearTimeout(timer);
          resolve(new Promise((retried) => retried(otherwise(error))));
        },
      );
    });
  }

  /** The check of the server; one that failed in passing is run again by the next call. */
  async #once(): Promise<void> {
    this.#checking ??= this.#check();
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
    let last: unknown;
    if (client.status === 'wait' || client.status === 'end') client.connect().catch(() => undefined);
    return new Promise((resolve, reject) => {
      const onError = (error: unknown) => {
        last = error;
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
        stop(() =>
          reject(
            this.#closed
              ? closedError()
              : new BrokerUnavailableError('Redis cannot be reached now; see the cause', { cause: last }),
          ),
        );
      const timer = setTimeout(onEnd, Math.max(0, giveUpAt - performance.now()));
      client.on('ready', onReady);
      client.on('error', onError);
      client.on('end', onEnd);
      signal?.addEventListener('abort', onEnd, { once: true });
      if (signal?.aborted) onEnd();
    });
  }
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
