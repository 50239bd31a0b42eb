import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBroker, openBroker } from '@brokkr/core';
import type { QueueCounts } from '@brokkr/core/adapter';
import type { Inspected } from '../support/inspected.ts';
import { afterEach, beforeEach, expect } from 'vitest';
import type { FaultBroker, FaultServer } from './fault-server.ts';
import { type Note, readNotes, violations } from './notes.ts';

const root = join(import.meta.dirname, '..', '..');
const command = join(root, 'packages', 'cli', 'bin', 'brokkr.js');
const app = join(root, 'test', 'fixtures', 'apps', 'faulty.ts');
export const LEASE_MS = 2_000;

export interface FaultBenchOptions {
  /** Whether its server refuses settlements of ended deliveries. @default true */
  readonly fences?: boolean;
  /** Port for the workers, such as that of a proxy before the server. @default the server's */
  readonly workerPort?: number;
}

export interface FaultyWorkerOptions {
  readonly concurrency?: number;
  readonly env?: NodeJS.ProcessEnv;
}

/** Workers in real processes, a broker to send with, and the log of their runs. */
export class FaultBench {
  readonly namespace = `f${randomUUID().slice(0, 8)}`;
  readonly queue = 'jobs';
  readonly #server: FaultServer;
  readonly #options: FaultBenchOptions;
  readonly #folder = mkdtempSync(join(tmpdir(), 'brokkr-faults-'));
  readonly #workers = new Set<ChildProcess>();
  #broker: Inspected | undefined;
  /** Jobs whose send was confirmed. An unconfirmed one may be stored or not. */
  readonly #confirmed = new Set<number>();
  #next = 0;

  constructor(server: FaultServer, options: FaultBenchOptions = {}) {
    this.#server = server;
    this.#options = options;
  }

  get sent(): number {
    return this.#confirmed.size;
  }

  get notesFile(): string {
    return join(this.#folder, 'notes');
  }

  async broker(): Promise<Inspected> {
    const { namespace, queue } = this;
    const lazy = createBroker(this.#server.url, { namespace, knownQueues: () => [queue] });
    this.#broker ??= (await openBroker(lazy)) as Inspected;
    return this.#broker;
  }

  /** A worker process. */
  worker({ concurrency = 25, env = {} }: FaultyWorkerOptions = {}): ChildProcess {
    const args = [command, 'worker', '-a', app, '-q', this.queue, '-c', String(concurrency)];
    const child = spawn(process.execPath, args, { env: { ...this.env(), ...env }, stdio: 'ignore' });
    this.#workers.add(child);
    child.once('exit', () => this.#workers.delete(child));
    return child;
  }

  /** Starts another worker whenever the last one has ended. @returns stops that, and returns how many were started */
  keepOneWorker(options: FaultyWorkerOptions = {}): () => number {
    let workers = 0;
    let isOver = false;
    const start = () => {
      workers++;
      this.worker(options).once('exit', () => isOver || start());
    };
    start();
    return () => {
      isOver = true;
      return workers;
    };
  }

  /** Returns the command that sends one job from another process. */
  sendCommand(...args: readonly string[]): string[] {
    return [command, 'send', '-a', app, 'job', ...args];
  }

  /** Returns the environment of a process that works here. */
  env(): NodeJS.ProcessEnv {
    const { url, port } = this.#server;
    return {
      ...process.env,
      NODE_OPTIONS: '',
      NOTES_FILE: this.notesFile,
      NOTED_URL:
        port === (this.#options.workerPort ?? port) ? url : this.#server.urlAt(this.#options.workerPort as number),
      TASK_BROKER_URL: 'noted:',
      TASK_NAMESPACE: this.namespace,
      TASK_LEASE: `${LEASE_MS}ms`,
      TASK_SHUTDOWN_TIMEOUT: '5s',
      LOG_FORMAT: 'json',
    };
  }

  /** Sends `count` jobs that take `ms` each, or that have no time. Only confirmed ones count as sent. */
  async send(count: number, ms: number | undefined, task = 'job'): Promise<void> {
    const broker = await this.broker();
    const numbers = Array.from({ length: count }, () => this.#next++);
    const envelopes = numbers.map((n) => {
      const headers = { 'brokkr-task': task, 'brokkr-at': String(Date.now()) };
      return {
        id: `job-${n}`,
        queue: this.queue,
        body: Buffer.from(JSON.stringify(ms === undefined ? [n] : [n, ms])),
        headers,
      };
    });
    await broker.publish(envelopes);
    for (const n of numbers) this.#confirmed.add(n);
  }

  async counts(): Promise<QueueCounts> {
    return (await this.broker()).inspector.counts(this.queue);
  }

  notes(): readonly Note[] {
    return readNotes(this.notesFile);
  }

  /** Returns the jobs that a process has started and not ended. */
  inFlight(pid: number | undefined): readonly number[] {
    const open = new Set<number>();
    for (const { what, n, pid: by } of this.notes()) {
      if (by !== pid) continue;
      if (what === 'S') open.add(n);
      else if (what === 'E') open.delete(n);
    }
    return [...open];
  }

  /** Waits until no work is left. Asserts that nothing was lost and nothing settled twice. */
  async drained(boundMs: number, dead = 0): Promise<void> {
    await expect.poll(() => this.#state(), { timeout: boundMs, interval: 100 }).toBe(`0 left, ${dead} dead`);
    await this.#server.quiet?.(this.namespace, boundMs);
    const { published, acknowledged } = await this.counts();
    if (published !== undefined) {
      expect({ published, acknowledged }).toEqual({ published: this.sent, acknowledged: this.sent - dead });
    }
    const found = violations(this.notes());
    // Without a fence, a copy in doubt may run too. An acknowledgement without a run is wrong on every broker.
    expect((this.#options.fences ?? true) ? found : found.filter((one) => one.startsWith('I4'))).toEqual([]);
    await this.emptied(dead);
  }

  /** Asserts that the server stores only the dead letters. */
  async emptied(dead: number): Promise<void> {
    const held = await this.#server.dump(this.namespace, this.queue);
    if (held !== undefined) {
      const { dead: letters, ...alive } = held;
      expect({ ...alive, letters: letters.length }).toEqual({ ready: [], delayed: [], held: [], letters: dead });
    }
  }

  /** Returns the number of jobs that neither ended nor are dead letters. */
  async lost(): Promise<number> {
    const { dead } = await this.counts();
    return this.#open() - (dead ?? 0);
  }

  /** Returns the number of starts beyond the first of each job. */
  extraStarts(): number {
    const starts = this.notes().filter(({ what }) => what === 'S');
    return starts.length - new Set(starts.map(({ n }) => n)).size;
  }

  /** Returns the number of settlements that the broker refused because their lease had ended. */
  refused(): number {
    return this.notes().filter(({ what }) => what.startsWith('refused-')).length;
  }

  async close(): Promise<void> {
    const ended = [...this.#workers].map((child) => new Promise((resolve) => child.once('exit', resolve)));
    for (const child of this.#workers) child.kill('SIGKILL');
    await Promise.all(ended);
    await this.#broker?.close();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Describes the state, for the error of a run that does not drain. */
  async #state(): Promise<string> {
    try {
      const { ready, delayed, running, dead } = await this.counts();
      const open = this.#open() - (dead ?? 0);
      return `${Math.max(open, (ready ?? 0) + (delayed ?? 0) + (running ?? 0))} left, ${dead} dead`;
    } catch (error) {
      return String(error);
    }
  }

  /** Returns the number of confirmed jobs whose handler has not ended. */
  #open(): number {
    const ended = new Set(this.notes().flatMap(({ what, n }) => (what === 'E' ? [n] : [])));
    return [...this.#confirmed].filter((n) => !ended.has(n)).length;
  }
}

export async function until(condition: () => boolean | Promise<boolean>, boundMs: number, what: string): Promise<void> {
  await expect.poll(condition, { timeout: boundMs, interval: 20, message: what }).toBe(true);
}

/** Prints one line of figures for each fault, without those that were not measured. */
export function figures(fault: string, given: Readonly<Record<string, number | undefined>>): void {
  const told = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} ${value < 10 ? Math.round(value * 100) / 100 : Math.round(value)}`],
  );
  process.stdout.write(`${fault}: ${told.join(', ')}\n`);
}

/** Gives each test a server and a bench of its own. */
export function eachOnFreshServer(broker: FaultBroker, open: (bench: FaultBench, server: FaultServer) => void): void {
  let server: FaultServer;
  let bench: FaultBench;
  beforeEach(async () => {
    server = await broker.start();
    bench = new FaultBench(server, { fences: broker.fences });
    open(bench, server);
  });
  afterEach(async () => {
    await bench.close();
    await server.stop();
  });
}
