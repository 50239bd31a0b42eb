import type { AgedReport, Broker } from '@brokkr/core/adapter';
import { readControlSignal } from '@brokkr/core/adapter';
import type { Warning } from '../api/types.ts';
import type { BrokerSource } from '../source/broker-source.ts';
import { isQueueName } from '../source/queue-name.ts';
import { shownError } from '../source/shown-error.ts';
import { deadChange } from './dead-change.ts';
import { QueueReader } from './queue-figures.ts';
import { RecentDeaths } from './recent-deaths.ts';
import { keepCounts, queueRows, taskRows, workerRows } from './rows.ts';
import { NO_SAMPLE, type Sample } from './sample.ts';
import { SilentWorkers } from './silent-workers.ts';
import { TaskMeters } from './task-meters.ts';
import { burstsOf, findingWarnings, queueWarnings, waitingAlone } from './warnings.ts';
import { rowOf } from './history-ring.ts';

/** From one sample to the next, if samples are short. */
const EVERY_MS = 5_000;
/** The next sample begins no sooner than so many times the length of the last one: at most 5 % of the time is sampled. */
const REST = 20;
/** From a change by a user to the sample that shows it. */
const SOON_MS = 1_000;
/** Samples end so long after the last request. */
const IDLE_MS = 30_000;
/** How long a first request waits for the first sample. */
const FIRST_MS = 4_000;
/** After a longer time without a sample, it is unknown what happened in between. */
const GAP_MS = 60_000;
/** How often the server is examined, as by `brokkr doctor`. */
const EXAMINE_MS = 600_000;

export interface SamplerOptions {
  readonly source: BrokerSource;
  /** Whether samples are taken also while no page is open, for the history. */
  readonly always: boolean;
  readonly now: () => number;
}

/**
 * Looks at a broker now and then, for all pages together: two looks never overlap. It begins with the first page that
 * is open, and ends 30 s after the last request.
 */
export class Sampler {
  readonly meters = new TaskMeters();
  readonly startedAt: number;
  readonly #options: SamplerOptions;
  readonly #reader = new QueueReader();
  readonly #deaths = new RecentDeaths();
  readonly #silent = new SilentWorkers();
  readonly #watchers = new Set<(sample: Sample) => void>();
  #sample: Sample;
  #alone: ReadonlyMap<string, number> = new Map();
  #findings: readonly Warning[] = [];
  #examinedAt = Number.NEGATIVE_INFINITY;
  #askedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #sampling: Promise<void> | undefined;
  /** How long the last sample kept the server at work. */
  #workMs = 0;
  #isRunning = false;
  #isClosed = false;
  #stopListening: (() => Promise<void>) | undefined;

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.startedAt = options.now();
    this.#sample = { ...NO_SAMPLE, at: this.startedAt };
    if (options.always) this.#begin();
  }

  /** The last sample. The first request, and the first one after a rest, wait for a new one, for at most 4 s. */
  async current(): Promise<Sample> {
    this.#askedAt = performance.now();
    const isNew = !this.#isRunning || this.#sample.number === 0;
    this.#begin();
    if (isNew) await Promise.race([this.#sampling, wait(FIRST_MS)]);
    if (this.#sample.number > 0) return this.#sample;
    const error = { code: 'BROKER_SILENT', message: 'the broker has not answered yet' };
    return { ...this.#sample, error };
  }

  /** Calls `seen` with each further sample, until the returned function is called. */
  watch(seen: (sample: Sample) => void): () => void {
    this.#watchers.add(seen);
    this.#begin();
    return () => {
      this.#watchers.delete(seen);
      this.#askedAt = performance.now();
    };
  }

  /** Takes a sample soon, because something was changed. @param queue whose pause may have changed */
  refresh(queue?: string): void {
    if (queue !== undefined) this.#reader.noteChange(queue);
    // Not at once: a user may change many queues one after the other.
    if (this.#isRunning && this.#sampling === undefined) this.#arm(Math.max(SOON_MS, 5 * this.#workMs));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#watchers.clear();
    await this.#sampling;
    await this.#stopListening?.().catch(() => undefined);
  }

  #begin(): void {
    if (this.#isRunning || this.#isClosed) return;
    this.#isRunning = true;
    this.#take();
  }

  #take(): void {
    this.#workMs = 0;
    this.#sampling = this.#look()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#sampling = undefined;
        this.#arm(Math.max(EVERY_MS, REST * this.#workMs));
      });
  }

  #arm(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    if (!this.#options.always && this.#watchers.size === 0 && performance.now() - this.#askedAt > IDLE_MS) {
      this.#isRunning = false;
      return;
    }
    this.#timer = setTimeout(() => this.#take(), ms).unref();
  }

  async #look(): Promise<void> {
    const { source, now } = this.#options;
    const broker = await source.open();
    await this.#listen(broker);
    const reports = await broker.workers?.reports();
    // Not before: reports that workers are called for take up to a second, in which the server has nothing to do.
    const began = performance.now();
    await source.made.read();
    const names = await queuesOf(broker, source, reports);
    const at = now();
    const figures = await this.#reader.read(broker, names, at);
    if (reports !== undefined) this.meters.take(reports, at);
    const options = {
      figures,
      reports,
      meters: this.meters,
      at,
      countsRunning: broker.capabilities.counts === 'exact',
      keepsPauses: broker.states !== undefined,
    };
    keepCounts(figures, this.meters, at);
    if (reports !== undefined) this.meters.keep(names, at);
    const queues = queueRows(options);
    await this.#deaths.read(broker.inspector, queues.values());
    this.#workMs = performance.now() - began;
    await this.#examine(broker);
    const alone = waitingAlone(queues.values(), this.#alone, at);
    const unserved = new Map([...alone].filter(([queue]) => this.#alone.has(queue)));
    this.#alone = alone;
    const bursts = burstsOf(queues.values(), this.meters, at);
    const seconds = this.meters.seconds(at);
    const { done, failed, wait50, wait95 } =
      seconds === 0 ? ({} as Sample['total']) : this.meters.all.rates(rowOf(at), seconds);
    const lookedSince = this.#lookedSince(at);
    this.#publish({
      at,
      lookedSince,
      number: this.#sample.number + 1,
      queues,
      reports,
      workers: workerRows(reports ?? [], at),
      tasks: taskRows(reports ?? [], this.meters, at, this.#deaths.lastErrors),
      warnings: [
        ...this.#findings,
        ...bursts.map((burst) => this.#deaths.warning(burst, at)),
        ...this.#deaths.crashes(),
        ...this.#silent.warnings(reports ?? [], at),
        ...queueWarnings(queues.values(), reports !== undefined, unserved),
      ],
      total: {
        ...(done !== undefined && { done }),
        ...(failed !== undefined && { failed }),
        ...(wait50 !== undefined && { wait50 }),
        ...(wait95 !== undefined && { wait95 }),
        ...deadChange(this.meters, at, lookedSince),
      },
    });
  }

  #lookedSince(at: number): number {
    const { lookedSince, at: before } = this.#sample;
    return lookedSince === undefined || at - before > GAP_MS ? at : lookedSince;
  }

  #failed(error: unknown): void {
    // Once: a server that is unreachable is tried every few seconds.
    if (this.#sample.error === undefined)
      this.#options.source.logger.warn({ error }, 'the dashboard cannot look at the broker');
    this.#publish({ ...this.#sample, error: shownError(error) });
  }

  #publish(sample: Sample): void {
    this.#sample = { ...sample, number: Math.max(sample.number, this.#sample.number + 1) };
    for (const watcher of [...this.#watchers]) watcher(this.#sample);
  }

  /** Pauses by others are then seen with the next sample. Without signals the flags are read now and then. */
  async #listen({ signals }: Broker): Promise<void> {
    if (signals === undefined || this.#stopListening !== undefined) return;
    this.#stopListening = await signals.listen(
      (sent) => {
        const signal = readControlSignal(sent);
        if (signal?.topic === 'pause') this.#reader.noteChange(signal.queue);
      },
      () => this.#reader.noteGap(),
    );
  }

  async #examine({ diagnostics }: Broker): Promise<void> {
    if (diagnostics === undefined || performance.now() - this.#examinedAt < EXAMINE_MS) return;
    this.#examinedAt = performance.now();
    // A server that refuses the examination is still looked at.
    this.#findings = findingWarnings(await diagnostics.diagnose().catch(() => []));
  }
}

/** Names of all queues that are known: to the server, to the application, and to workers. */
async function queuesOf(
  { inspector }: Broker,
  source: BrokerSource,
  reports: readonly AgedReport[] | undefined,
): Promise<readonly string[]> {
  const listed = (await inspector?.queues()) ?? [];
  const served = (reports ?? []).flatMap(({ report }) => Object.keys(report.queues));
  // Reports may come from any program.
  return [...new Set([...listed, ...source.applicationQueues, ...served])].filter(isQueueName).sort();
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
