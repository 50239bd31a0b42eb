import { setTimeout as sleep } from 'node:timers/promises';
import type { AgedReport, WorkerReport } from '@brokkr/core/adapter';
import type { ConsumeMessage } from 'amqplib';
import { closedError } from '../connection/amqp-errors.ts';
import type { BroadcastingOptions } from './broadcasting-options.ts';
import { FanoutListener } from './fanout-listener.ts';
import { FanoutSender } from './fanout-sender.ts';
import { ANSWER_MS, callProperties, readNotice } from './report-messages.ts';

/** How long a viewer waits for answers if a worker hears its call. A hundred workers answer within 0.2 s. */
const WAIT_MS = 1_000;
/** Workers that are remembered. */
const MOST_WORKERS = 10_000;
const LIMITS = { messages: MOST_WORKERS, bytes: 67_108_864, ttlMs: 10_000 };
const NOTHING = Buffer.alloc(0);

interface SeenReport {
  readonly report: WorkerReport;
  readonly at: number;
  readonly endsAt: number;
}

/** Calls for the reports of all workers, and collects them. It has a queue while a viewer looks, and 30 s longer. */
export class ReportViewer {
  readonly #options: BroadcastingOptions;
  readonly #sender: FanoutSender;
  readonly #seen = new Map<string, SeenReport>();
  #listening: Promise<FanoutListener> | undefined;
  #ending: NodeJS.Timeout | undefined;

  constructor(options: BroadcastingOptions) {
    this.#options = options;
    const { names, publishing, queueType } = options;
    this.#sender = new FanoutSender({ connection: publishing, queueType, exchange: names.calls });
  }

  /**
   * See `WorkerDirectory.reports`.
   * @throws BrokerUnavailableError if RabbitMQ is unreachable, or the broker is closed
   * @throws ConfigError (`QUEUE_REFUSED`) if the user has no right to the exchanges
   */
  async reports(): Promise<readonly AgedReport[]> {
    if (this.#options.consuming.isClosed) throw closedError();
    clearTimeout(this.#ending);
    this.#ending = setTimeout(() => this.close(), ANSWER_MS).unref();
    this.#listening ??= this.#listen();
    await this.#listening;
    const isHeard = await this.#sender.send(NOTHING, callProperties({ forMs: ANSWER_MS, workers: this.#seen.size }));
    if (isHeard) await sleep(WAIT_MS);
    return this.#living();
  }

  /** Stops listening. */
  close(): void {
    clearTimeout(this.#ending);
    const listening = this.#listening;
    this.#listening = undefined;
    this.#seen.clear();
    void listening?.then(
      (fanout) => fanout.stop(),
      () => undefined,
    );
  }

  #listen(): Promise<FanoutListener> {
    const { names, consuming, queueType, logger } = this.#options;
    const fanout = new FanoutListener({
      ...{ names, queueType, logger, limits: LIMITS },
      connection: consuming,
      exchange: names.reports,
      onMessage: (message) => this.#onNotice(message),
    });
    const listening = fanout.start().then(() => fanout);
    listening.catch(() => {
      if (this.#listening === listening) this.#listening = undefined;
    });
    return listening;
  }

  #onNotice(message: ConsumeMessage): void {
    const notice = readNotice(message);
    if (notice === undefined) return;
    if ('retired' in notice) {
      this.#seen.delete(notice.retired);
      return;
    }
    const { report, ageMs, ttlMs } = notice;
    const now = performance.now();
    if (this.#seen.size >= MOST_WORKERS && !this.#seen.has(report.id)) return;
    this.#seen.set(report.id, { report, at: now - ageMs, endsAt: now + ttlMs });
  }

  #living(): readonly AgedReport[] {
    const now = performance.now();
    for (const [id, { endsAt }] of this.#seen) if (endsAt <= now) this.#seen.delete(id);
    return [...this.#seen.values()].map(({ report, at }) => ({ report, ageMs: now - at }));
  }
}
