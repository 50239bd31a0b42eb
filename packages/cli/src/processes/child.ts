import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ChildCommand } from './child-command.ts';
import { ChildState } from './child-state.ts';
import { after, FORCED_END_MS } from '../deadline.ts';
import { END_NOW, FINISH, LISTENS, REFUSED, type StateQuestion } from './supervisor-messages.ts';

const COMMAND = fileURLToPath(new URL('../../bin/brokkr.js', import.meta.url));
/** A process that must end now and has not ended after this time is killed. */
const KILL_MS = 1_500;
/** A process that finishes ends itself after `FORCED_END_MS`. One that does not is blocked, and is killed after this. */
const KILL_BLOCKED_MS = FORCED_END_MS + 500;

/** How a worker process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly ranMs: number;
  /** The broker refused its user, and said why. */
  readonly isRefused: boolean;
  /** Its supervisor killed it, because it did not end in time. */
  readonly isKilled: boolean;
}

/** One worker process of a supervisor. */
export class Child {
  /** Its name at the broker. */
  readonly workerId: string;
  readonly ended: Promise<Ended>;
  readonly state = new ChildState((question) => this.#send(question));
  readonly #process: ChildProcess;
  /** The last order to end. */
  #order: string | undefined;
  #isKilled = false;
  #cancelKill: () => void = () => undefined;

  /**
   * @param command without the name of the worker
   * @param workerId its name at the broker
   * @param number of the process, for its log lines on a terminal; without it they have no prefix
   */
  constructor({ args, env }: ChildCommand, workerId: string, number: number | undefined) {
    this.workerId = workerId;
    const startedAt = performance.now();
    // In a process group of its own, so that Ctrl-C in a terminal reaches only the supervisor.
    this.#process = fork(COMMAND, ['worker', ...args, '--supervised', '--worker-id', this.workerId], {
      detached: true,
      stdio: 'inherit',
      env: { ...process.env, ...env, BROKKR_PROCESS: number === undefined ? '' : String(number) },
    });
    let isRefused = false;
    this.#process.on('message', (message) => {
      isRefused ||= message === REFUSED;
      // Another listener of the process, such as that of a preloaded module, may have taken an earlier order.
      if (message === LISTENS && this.#order !== undefined) this.#send(this.#order);
      this.state.received(message);
    });
    this.ended = new Promise((resolve, reject) => {
      // After the start, this is a message that could not be sent: the process is about to end.
      this.#process.on('error', reject);
      this.#process.once('exit', (code, signal) => {
        this.#cancelKill();
        this.state.close();
        const ranMs = performance.now() - startedAt;
        // Its last message may arrive after its exit.
        setImmediate(() => resolve({ code, signal, ranMs, isRefused, isKilled: this.#isKilled }));
      });
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Lets it finish its running tasks, for at most `shutdownMs` and some seconds. Further calls have no effect. */
  finish(shutdownMs: number): void {
    if (this.#order !== undefined) return;
    this.#order = FINISH;
    this.#send(FINISH);
    this.#killAfter(shutdownMs + KILL_BLOCKED_MS);
  }

  /** Ends it without its running tasks. */
  endNow(): void {
    this.#order = END_NOW;
    this.#send(END_NOW);
    this.#killAfter(KILL_MS);
  }

  /** By message: unlike a signal, it is not lost while the process starts, and is never mistaken for one of the user. */
  #send(message: string | StateQuestion): void {
    if (this.#process.connected) this.#process.send(message, () => undefined);
  }

  #killAfter(ms: number): void {
    this.#cancelKill();
    this.#cancelKill = after(ms, () => {
      this.#isKilled = true;
      this.#process.kill('SIGKILL');
    });
  }
}
