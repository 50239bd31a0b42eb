import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Broker, createBroker, type InspectableBroker, openBroker, type QueueCounts } from '@brokkr/core';
import { expect } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const command = join(root, 'packages', 'cli', 'bin', 'brokkr.js');
const app = join(root, 'test', 'fixtures', 'apps', 'faulty.ts');
export const QUEUE = 'jobs';
export const LEASE_MS = 2_000;

export interface Note {
  readonly what: 'S' | 'E';
  readonly n: number;
  readonly fence: number;
  readonly pid: number;
  readonly at: number;
}

/** Real workers in processes of their own, a broker to send with, and the log of what began and what ended. */
export class FaultBench {
  readonly #url: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'brokkr-faults-'));
  readonly #workers = new Set<ChildProcess>();
  #broker: (Broker & InspectableBroker) | undefined;
  #sent = 0;

  constructor(url: string) {
    this.#url = url;
  }

  get sent(): number {
    return this.#sent;
  }

  async broker(): Promise<Broker & InspectableBroker> {
    this.#broker ??= (await openBroker(createBroker(this.#url))) as Broker & InspectableBroker;
    return this.#broker;
  }

  /** A worker process. */
  worker(concurrency = 25): ChildProcess {
    const child = spawn(process.execPath, [command, 'worker', '-a', app, '-q', QUEUE, '-c', String(concurrency)], {
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        NOTES_FILE: this.#notesFile,
        TASK_BROKER_URL: this.#url,
        TASK_LEASE: `${LEASE_MS}ms`,
        TASK_SHUTDOWN_TIMEOUT: '5s',
        LOG_FORMAT: 'json',
      },
      stdio: 'ignore',
    });
    this.#workers.add(child);
    child.once('exit', () => this.#workers.delete(child));
    return child;
  }

  /** Sends `count` jobs that take `ms` each; what the broker confirmed counts as sent. */
  async send(count: number, ms: number, task = 'job'): Promise<void> {
    const broker = await this.broker();
    const envelopes = Array.from({ length: count }, () => {
      const n = this.#sent++;
      const headers = { 'brokkr-task': task, 'brokkr-at': String(Date.now()) };
      return { id: `job-${n}`, queue: QUEUE, body: Buffer.from(JSON.stringify([n, ms])), headers };
    });
    await broker.publish(envelopes);
  }

  async counts(): Promise<QueueCounts> {
    return (await this.broker()).counts(QUEUE);
  }

  notes(): readonly Note[] {
    let text = '';
    try {
      text = readFileSync(this.#notesFile, 'utf8');
    } catch {
      return [];
    }
    return text
      .split('\n')
      .filter((line) => /^[SE] \d+ \d+ \d+ \d+$/.test(line))
      .map((line) => {
        const [what, ...numbers] = line.split(' ');
        const [n = 0, fence = 0, pid = 0, at = 0] = numbers.map(Number);
        return { what: what as Note['what'], n, fence, pid, at };
      });
  }

  /** Jobs that a process has begun and not ended. */
  inFlight(pid: number | undefined): readonly number[] {
    const open = new Set<number>();
    for (const note of this.notes()) {
      if (note.pid !== pid) continue;
      if (note.what === 'S') open.add(note.n);
      else open.delete(note.n);
    }
    return [...open];
  }

  /** Waits until nothing is left to do, and demands that nothing was lost and nothing settled twice. */
  async drained(boundMs: number, dead = 0): Promise<void> {
    await expect
      .poll(
        async () => {
          const { ready, delayed, running } = await this.counts();
          return `${ready} ready, ${delayed} delayed, ${running} running`;
        },
        { timeout: boundMs, interval: 100 },
      )
      .toBe('0 ready, 0 delayed, 0 running');
    expect(await this.counts()).toMatchObject({ published: this.#sent, acknowledged: this.#sent - dead, dead });
    expect(this.#ended()).toBe(this.#sent - dead);
    // No two hand-overs of one message carry one fence.
    const starts = this.notes().filter(({ what }) => what === 'S');
    expect(new Set(starts.map(({ n, fence }) => `${n} ${fence}`)).size).toBe(starts.length);
  }

  /** Jobs that neither ended nor stand among the dead letters. */
  async lost(): Promise<number> {
    const { dead } = await this.counts();
    return this.#sent - this.#ended() - (dead ?? 0);
  }

  /** Starts beyond the first of each job. */
  extraStarts(): number {
    const starts = this.notes().filter(({ what }) => what === 'S');
    return starts.length - new Set(starts.map(({ n }) => n)).size;
  }

  async close(): Promise<void> {
    const ended = [...this.#workers].map((child) => new Promise((resolve) => child.once('exit', resolve)));
    for (const child of this.#workers) child.kill('SIGKILL');
    await Promise.all(ended);
    await this.#broker?.close();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Jobs that ended, however often. */
  #ended(): number {
    return new Set(this.notes().flatMap(({ what, n }) => (what === 'E' ? [n] : []))).size;
  }

  get #notesFile(): string {
    return join(this.#folder, 'notes');
  }
}

export async function until(condition: () => boolean | Promise<boolean>, boundMs: number, what: string): Promise<void> {
  await expect.poll(condition, { timeout: boundMs, interval: 20, message: what }).toBe(true);
}

/** One line of figures for each fault. */
export function figures(fault: string, given: Readonly<Record<string, number>>): void {
  const told = Object.entries(given).map(([name, value]) => `${name} ${Math.round(value)}`);
  process.stdout.write(`${fault}: ${told.join(', ')}\n`);
}
