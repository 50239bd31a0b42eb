import { rm, utimes, writeFile } from 'node:fs/promises';
import type { WorkerHealth } from '@brokkr/core/metrics';
import { UsageError } from '../exit.ts';

const TOUCH_EVERY_MS = 1_000;

/**
 * A file that is touched every second while a worker is alive, for probes without HTTP: they check its age. A process
 * whose event loop stands still touches nothing.
 */
export class HealthFile {
  readonly #path: string;
  readonly #health: () => Promise<WorkerHealth>;
  readonly #timer: NodeJS.Timeout;
  #touching: Promise<void> = Promise.resolve();

  /** @throws UsageError if the file cannot be written */
  static async open(path: string, health: () => Promise<WorkerHealth>): Promise<HealthFile> {
    try {
      await writeFile(path, '');
    } catch (cause) {
      throw new UsageError(`--health-file: ${(cause as Error).message}`, { cause });
    }
    return new HealthFile(path, health);
  }

  private constructor(path: string, health: () => Promise<WorkerHealth>) {
    this.#path = path;
    this.#health = health;
    this.#timer = setInterval(() => {
      this.#touching = this.#touch();
    }, TOUCH_EVERY_MS);
  }

  /** Removes the file. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#touching;
    await rm(this.#path, { force: true });
  }

  async #touch(): Promise<void> {
    try {
      const { live } = await this.#health();
      if (live.length > 0) return;
      const now = new Date();
      await utimes(this.#path, now, now).catch(() => writeFile(this.#path, ''));
    } catch {
      // The disk may be full or read-only: the file grows old, and the probe reports it.
    }
  }
}
