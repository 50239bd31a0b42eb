import type { AgedReport, Broker, QueueReport } from '@brokkr/core/adapter';
import { PauseFlags } from '@brokkr/core/adapter';
import { dueSince } from '@brokkr/core/metrics';

/** How often pauses are read although no signal came. On RabbitMQ each read takes a message and gives it back. */
const PAUSES_MS = { free: 15_000, front: 60_000 };
/** How often delayed messages are counted where that takes a call for each delay. */
const DELAYED_MS = 60_000;
/** Queues whose oldest message is looked up in one sample. The others are looked up in the next ones. */
const HEADS_AT_ONCE = 100;

/** What was read of one queue. */
export interface QueueFigures {
  readonly name: string;
  readonly report: QueueReport;
  readonly delayedAt: number | undefined;
  readonly pausedAt: number | undefined;
  /** When the oldest ready message became due. */
  readonly oldestAt: number | undefined;
}

/** Reads the queues of a broker, and keeps what need not be read each time. */
export class QueueReader {
  #delayed = new Map<string, { readonly count: number | undefined; readonly at: number }>();
  #paused = new Map<string, number>();
  #pausesAt = Number.NEGATIVE_INFINITY;
  readonly #unread = new Set<string>();
  #delayedAt = Number.NEGATIVE_INFINITY;
  #heads = new Map<string, number>();
  #nextHead = 0;

  /** The pause of a queue changed: it is read with the next sample. */
  noteChange(queue: string): void {
    this.#unread.add(queue);
  }

  /** Signals may have been missed. */
  noteGap(): void {
    this.#pausesAt = Number.NEGATIVE_INFINITY;
  }

  /** @throws BrokerUnavailableError if the broker is unreachable */
  async read(broker: Broker, queues: readonly string[], at: number): Promise<readonly QueueFigures[]> {
    const { inspector } = broker;
    if (inspector === undefined) return [];
    const isFree = inspector.browsing === 'free';
    const counts = isFree || at - this.#delayedAt >= DELAYED_MS;
    const [reports] = await Promise.all([
      inspector.countsOf(queues, { delayed: counts }),
      this.#readPauses(broker, queues, at, isFree),
    ]);
    this.#noteDelayed(reports, counts, at);
    if (isFree) await this.#readHeads(broker, reports, at);
    return reports.map((report) => this.#figures(report, isFree));
  }

  #figures(report: QueueReport, isFree: boolean): QueueFigures {
    const name = report.queue;
    const delayed = this.#delayed.get(name);
    const isKept = !isFree && report.delayed === undefined && delayed?.count !== undefined;
    return {
      name,
      report: isKept ? { ...report, delayed: delayed.count } : report,
      delayedAt: isFree ? undefined : delayed?.at,
      pausedAt: this.#paused.get(name),
      oldestAt: (report.ready ?? 0) > 0 ? this.#heads.get(name) : undefined,
    };
  }

  #noteDelayed(reports: readonly QueueReport[], counts: boolean, at: number): void {
    if (!counts) return;
    this.#delayedAt = at;
    this.#delayed = new Map(reports.map(({ queue, delayed }) => [queue, { count: delayed, at }]));
  }

  async #readPauses({ states }: Broker, queues: readonly string[], at: number, isFree: boolean): Promise<void> {
    if (states === undefined) return;
    const isDue = at - this.#pausesAt >= (isFree ? PAUSES_MS.free : PAUSES_MS.front);
    const wanted = isDue ? queues : queues.filter((queue) => this.#unread.has(queue));
    if (wanted.length === 0) return;
    for (const queue of wanted) this.#unread.delete(queue);
    const flags = new PauseFlags(states);
    try {
      const since = await Promise.all(wanted.map((queue) => flags.pausedSince(queue)));
      for (const [index, queue] of wanted.entries()) {
        const pausedAt = since[index];
        if (pausedAt === undefined) this.#paused.delete(queue);
        else this.#paused.set(queue, pausedAt);
      }
      if (isDue) this.#pausesAt = at;
    } catch (error) {
      for (const queue of wanted) this.#unread.add(queue);
      throw error;
    }
  }

  /** The oldest message of queues that have ready ones: of 100 of them in turn. */
  async #readHeads({ inspector }: Broker, reports: readonly QueueReport[], at: number): Promise<void> {
    const waiting = reports.filter(({ ready, error }) => error === undefined && (ready ?? 0) > 0);
    const names = new Set(waiting.map(({ queue }) => queue));
    for (const name of this.#heads.keys()) if (!names.has(name)) this.#heads.delete(name);
    const fresh = waiting.filter(({ queue }) => !this.#heads.has(queue));
    const start = waiting.length === 0 ? 0 : this.#nextHead % waiting.length;
    const turn = [...fresh, ...waiting.slice(start), ...waiting.slice(0, start)];
    this.#nextHead = start + HEADS_AT_ONCE;
    await Promise.all(
      [...new Set(turn)].slice(0, HEADS_AT_ONCE).map(async ({ queue, overdueMs = 0 }) => {
        // A queue that cannot be read is reported by its counts.
        const page = await inspector?.page(queue, 'ready', { limit: 1 }).catch(() => undefined);
        const [first] = page?.items ?? [];
        if (first === undefined) this.#heads.delete(queue);
        else this.#heads.set(queue, Math.min(dueSince(first.envelope), at - overdueMs));
      }),
    );
  }
}

/** Running messages of a queue by the reports of workers, and the age of the oldest of these reports. */
export function runningOf(
  reports: readonly AgedReport[],
  at: number,
): ReadonlyMap<string, { readonly count: number; readonly at: number }> {
  const sums = new Map<string, { count: number; at: number }>();
  for (const { report, ageMs } of reports) {
    for (const queue of Object.keys(report.queues)) {
      const sum = sums.get(queue) ?? { count: 0, at: Number.POSITIVE_INFINITY };
      sum.at = Math.min(sum.at, at - ageMs);
      sums.set(queue, sum);
    }
    for (const { queue } of report.running) {
      const sum = sums.get(queue);
      if (sum !== undefined) sum.count++;
    }
  }
  return sums;
}
