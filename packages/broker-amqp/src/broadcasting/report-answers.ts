import { setTimeout as sleep } from 'node:timers/promises';
import { BrokkrError, type WorkerReport } from '@brokkr/core/adapter';
import { closedError } from '../connection/amqp-errors.ts';
import type { BroadcastingOptions } from './broadcasting-options.ts';
import { FanoutListener } from './fanout-listener.ts';
import { FanoutSender } from './fanout-sender.ts';
import { readCall, reportProperties, RETIRED_PROPERTIES } from './report-messages.ts';

/** A report of this process, as it is sent. */
interface OwnReport {
  readonly content: Buffer;
  readonly at: number;
  readonly endsAt: number;
}

const LEAST_MS = 5_000;
/** The next report of a worker that may not answer. */
const ANONYMOUS_MS = 60_000;
/** A thousand workers report every 10 s. */
const MS_PER_WORKER = 10;
/** Calls within this time are answered once, and not by all workers at the same moment. */
const GATHER_MS = 100;
/** Calls are few, and an old one is of no use. */
const LIMITS = { messages: 10, bytes: 65_536, ttlMs: 10_000 };

/** Keeps the last reports of this process's workers, and sends them while a viewer wants them. */
export class ReportAnswers {
  readonly #options: BroadcastingOptions;
  readonly #sender: FanoutSender;
  readonly #own = new Map<string, OwnReport>();
  #listening: Promise<FanoutListener> | undefined;
  #wantedUntil = Number.NEGATIVE_INFINITY;
  #isClosed = false;
  #nextMs = LEAST_MS;
  #answering: Promise<void> | undefined;
  /** The missing right was logged. */
  #isLogged = false;

  constructor(options: BroadcastingOptions) {
    this.#options = options;
    const { names, publishing, queueType } = options;
    this.#sender = new FanoutSender({ connection: publishing, queueType, exchange: names.reports });
  }

  /**
   * See `WorkerDirectory.report`. A worker whose user has no right to the exchanges is not shown to viewers.
   * @throws BrokerUnavailableError if RabbitMQ is unreachable, or the broker is closed
   */
  async report(report: WorkerReport, ttlMs: number): Promise<{ readonly nextMs: number }> {
    if (this.#options.consuming.isClosed) throw closedError();
    const at = performance.now();
    // As text: the worker may go on counting in its objects.
    this.#own.set(report.id, { content: Buffer.from(JSON.stringify(report)), at, endsAt: at + ttlMs });
    try {
      this.#listening ??= this.#listen();
      await this.#listening;
      if (this.#isWanted) await this.#send(report.id);
      return { nextMs: this.#isWanted ? this.#nextMs : LEAST_MS };
    } catch (error) {
      if (!BrokkrError.is(error) || error.code !== 'QUEUE_REFUSED') throw error;
      this.#logMissingRight(error);
      return { nextMs: ANONYMOUS_MS };
    }
  }

  /** See `WorkerDirectory.retire`. A viewer may know a worker of another process that died, so it is always notified. */
  async retire(workerId: string): Promise<void> {
    const wasKnown = this.#own.delete(workerId);
    if (this.#own.size === 0) await this.#stop();
    if (this.#isClosed) return;
    if (!wasKnown || this.#isWanted) await this.#sender.send(Buffer.from(workerId), RETIRED_PROPERTIES);
  }

  close(): void {
    this.#isClosed = true;
    this.#own.clear();
  }

  get #isWanted(): boolean {
    return performance.now() < this.#wantedUntil;
  }

  #listen(): Promise<FanoutListener> {
    const { names, consuming, queueType, logger } = this.#options;
    const fanout = new FanoutListener({
      ...{ names, queueType, logger, limits: LIMITS },
      connection: consuming,
      exchange: names.calls,
      onMessage: (message) => {
        const call = readCall(message);
        if (call === undefined) return;
        this.#wantedUntil = Math.max(this.#wantedUntil, performance.now() + call.forMs);
        this.#nextMs = Math.max(LEAST_MS, call.workers * MS_PER_WORKER);
        this.#answering ??= this.#answer();
      },
    });
    const listening = fanout.start().then(() => fanout);
    listening.catch(() => {
      if (this.#listening === listening) this.#listening = undefined;
    });
    return listening;
  }

  async #stop(): Promise<void> {
    const listening = this.#listening;
    this.#listening = undefined;
    await (await listening?.catch(() => undefined))?.stop();
  }

  async #answer(): Promise<void> {
    await sleep(Math.random() * GATHER_MS, undefined, { ref: false });
    // A call that arrives from now on needs another answer: its viewer may have missed the start of this one.
    this.#answering = undefined;
    try {
      for (const id of [...this.#own.keys()]) await this.#send(id);
    } catch (error) {
      if (BrokkrError.is(error) && error.code === 'QUEUE_REFUSED') this.#logMissingRight(error);
      else this.#options.logger?.debug({ error }, 'a call for the reports of workers could not be answered');
    }
  }

  async #send(id: string): Promise<void> {
    const own = this.#own.get(id);
    const now = performance.now();
    if (own === undefined || now >= own.endsAt) return;
    await this.#sender.send(own.content, reportProperties(now - own.at, own.endsAt - now));
  }

  #logMissingRight(error: BrokkrError): void {
    if (this.#isLogged) return;
    this.#isLogged = true;
    this.#options.logger?.warn(
      { error, code: 'RIGHT_MISSING' },
      'this worker is not listed by brokkr workers: its RabbitMQ user may not use the exchanges of reports (docs/rabbitmq.md)',
    );
  }
}
