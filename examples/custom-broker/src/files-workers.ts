import { mkdir, readdir, readFile, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgedReport, WorkerDirectory, WorkerReport } from '@brokkr/core/adapter';

const REPORT_EVERY_MS = 5_000;

/**
 * Reports of workers: a file for each, whose modification time is when it is forgotten.
 * @param release ends the leases of a worker
 */
export function filesWorkers(folder: string, release: (workerId: string) => Promise<number>): WorkerDirectory {
  const pathOf = (workerId: string) => join(folder, encodeURIComponent(workerId));

  async function readReport(name: string): Promise<AgedReport | undefined> {
    const path = join(folder, name);
    try {
      const { writtenAt, report } = JSON.parse(await readFile(path, 'utf8')) as {
        writtenAt: number;
        report: WorkerReport;
      };
      if ((await stat(path)).mtimeMs > Date.now()) return { report, ageMs: Math.max(0, Date.now() - writtenAt) };
      await unlink(path);
    } catch {
      // Another process has removed the file, or is writing it.
    }
    return undefined;
  }

  return {
    release,
    async report(report, ttlMs) {
      await mkdir(folder, { recursive: true });
      const path = pathOf(report.id);
      await writeFile(`${path}.new`, JSON.stringify({ writtenAt: Date.now(), report }));
      const forgottenAt = new Date(Date.now() + ttlMs);
      await utimes(`${path}.new`, forgottenAt, forgottenAt);
      await rename(`${path}.new`, path);
      return { nextMs: REPORT_EVERY_MS };
    },
    retire: (workerId) => unlink(pathOf(workerId)).catch(() => undefined),
    async reports() {
      const names = (await readdir(folder).catch(() => [])).filter((name) => !name.endsWith('.new'));
      return (await Promise.all(names.map(readReport))).filter((report) => report !== undefined);
    },
  };
}
