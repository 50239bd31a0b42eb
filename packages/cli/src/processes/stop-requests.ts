import { END_NOW, FINISH, LISTENS } from './supervisor-messages.ts';

/**
 * Signals within this time after the first are copies of it. Process managers, npm and terminals signal the whole process
 * tree, and npm forwards the signal as well, so one Ctrl-C arrives several times.
 */
const SAME_REQUEST_MS = 1_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** How a process is to stop: after its running tasks, or at once. */
export type StopRequest = 'finish' | 'now';

/**
 * Every way in which this process is asked to stop: SIGINT, SIGTERM, SIGHUP, a message of its supervisor, and the death
 * of its parent. Create it before the application loads: until a listener is set, a request ends the process at once.
 */
export class StopRequests {
  readonly #isSupervised: boolean;
  #listener: (request: StopRequest) => void;
  #firstAt: number | undefined;

  /**
   * @param whileLoading called for a request that arrives before `listen`
   * @param isSupervised whether a supervisor of ours started this process. Then only the supervisor can end it at once:
   * a signal to the process tree reaches the supervisor, too, and counts once.
   */
  constructor(whileLoading: () => void, isSupervised = false) {
    this.#listener = whileLoading;
    this.#isSupervised = isSupervised;
    for (const signal of SIGNALS) process.on(signal, () => this.#signaled());
    process.on('message', (message) => {
      if (message === FINISH) this.#request('finish');
      if (message === END_NOW) this.#request('now');
    });
    process.on('disconnect', () => this.#request('finish'));
    if (isSupervised && !process.connected) whileLoading();
    else if (isSupervised) process.send?.(LISTENS, () => undefined);
  }

  /** Calls `listener` for each request from now on. */
  listen(listener: (request: StopRequest) => void): void {
    this.#listener = listener;
  }

  /** Ignores further requests: the process is about to end with its own exit code, and a signal must not replace it. */
  close(): void {
    this.#listener = () => undefined;
  }

  #signaled(): void {
    if (this.#firstAt === undefined) {
      this.#request('finish');
      return;
    }
    if (this.#isSupervised && process.connected) return;
    if (performance.now() - this.#firstAt >= SAME_REQUEST_MS) this.#request('now');
  }

  #request(request: StopRequest): void {
    if (request === 'finish' && this.#firstAt !== undefined) return;
    this.#firstAt ??= performance.now();
    this.#listener(request);
  }
}
