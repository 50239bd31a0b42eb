import { type AgedReport, silentAfterMs, type WorkerReport } from '@brokkr/core/adapter';
import type { Warning } from '../api/types.ts';

/** Brokers forget a report after 30 s. One that is gone sooner was removed, because its worker stopped. */
const FORGOTTEN_MS = 28_000;
/** How long a silent worker is a warning, after its last report. */
const KEPT_MS = 600_000;
const MOST = 20;

interface Silent {
  readonly report: WorkerReport;
  readonly since: number;
}

/** Remembers workers that became silent without a stop, and what they ran: the broker forgets them after 30 s. */
export class SilentWorkers {
  readonly #silent = new Map<string, Silent>();

  /** Takes the reports of a sample. @returns workers that are silent now, the last one first */
  warnings(reports: readonly AgedReport[], at: number): readonly Warning[] {
    const silentMs = silentAfterMs(reports.length);
    const known = new Set(reports.map(({ report }) => report.id));
    for (const { report, ageMs } of reports) {
      if (ageMs > silentMs) this.#silent.set(report.id, { report, since: Math.round(at - ageMs) });
      else this.#silent.delete(report.id);
    }
    for (const [id, { since }] of this.#silent) {
      const isStopped = !known.has(id) && at - since < FORGOTTEN_MS;
      if (isStopped || at - since > KEPT_MS) this.#silent.delete(id);
    }
    return [...this.#silent.values()]
      .sort((a, b) => b.since - a.since)
      .slice(0, MOST)
      .map(({ report, since }) => ({
        severity: 'warning',
        code: 'WORKER_SILENT',
        message: `worker ${report.id} on ${report.host} (process ${report.pid}) sends no reports, and did not stop; ${ran(report)}`,
        worker: report.id,
        since,
      }));
  }
}

/** Messages that are named. */
const NAMED = 3;

function ran({ running, runningCount }: WorkerReport): string {
  if (running.length === 0) return 'it ran nothing';
  const named = running.slice(0, NAMED).map(({ task, id, queue }) => `${task} of ${queue} (${id})`);
  const more = Math.max(runningCount, running.length) - named.length;
  return `it ran ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
