import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(new URL('../../bin/brokkr.js', import.meta.url));

/** How a child ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly ranMs: number;
  /** The broker did not let it in, and gave its reason. */
  readonly isRefused: boolean;
}

/** What a worker process tells its supervisor. */
export const REFUSED = 'brokkr: the broker refuses this worker';

/** One worker process. */
export class Child {
  /** What it is called at the broker. */
  readonly workerId: string;
  readonly ended: Promise<Ended>;
  readonly #process: ChildProcess;
  #isFinishing = false;

  /** @param args of `brokkr worker`, without its name */
  constructor(args: readonly string[]) {
    this.workerId = `${hostname()}:${process.pid}:${randomBytes(4).toString('hex')}`;
    const startedAt = performance.now();
    // A process group of its own: a terminal's Ctrl-C reaches the supervisor alone, which passes it on once.
    this.#process = fork(COMMAND, ['worker', ...args, '--worker-id', this.workerId], {
      detached: true,
      stdio: 'inherit',
    });
    let isRefused = false;
    this.#process.on('message', (message) => {
      isRefused ||= message === REFUSED;
    });
    this.ended = new Promise((resolve, reject) => {
      this.#process.once('error', reject);
      this.#process.once('exit', (code, signal) => {
        const ranMs = performance.now() - startedAt;
        // What it said last may be read after its end.
        setImmediate(() => resolve({ code, signal, ranMs, isRefused }));
      });
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Lets it finish what it runs; asked again, nothing changes: to the process a second signal means at once. */
  finish(): void {
    if (this.#isFinishing) return;
    this.#isFinishing = true;
    this.#process.kill('SIGTERM');
  }

  /** Ends one that is finishing. */
  endNow(): void {
    this.#process.kill('SIGTERM');
  }
}
