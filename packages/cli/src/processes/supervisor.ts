import type { App } from '../app/load-app.ts';
import { EXIT } from '../exit.ts';
import { Child, type Ended } from './child.ts';
import type { ChildCommand } from './child-command.ts';
import { childWorkerId } from './child-worker-id.ts';
import { inTime } from '../deadline.ts';
import type { StopRequest } from './stop-requests.ts';

const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 5_000;
/** A process that ran this long was sound: its replacement starts without the growing wait. */
const SOUND_MS = 10_000;
/** Time for returning the messages of a dead process while the supervisor stops. */
const LAST_RELEASE_MS = 2_000;

export interface SupervisorOptions extends ChildCommand {
  /** Begin of the names of the workers. */
  readonly workerId: string | undefined;
  /** A process that ends by itself is replaced after the next change of the sources, not at once. */
  readonly watches: boolean;
  readonly shutdownMs: number;
  /** Is called with each process that ended. */
  readonly onEnded: (child: Child) => void;
}

/** Keeps worker processes alive: replaces those that die, and restarts them when the sources change. */
export class Supervisor {
  readonly #app: App;
  readonly #options: SupervisorOptions;
  readonly #children = new Set<Child>();
  /** Number of changes of the sources. */
  #changes = 0;
  #isStopping = false;
  readonly #wakers = new Set<() => void>();

  constructor(app: App, options: SupervisorOptions) {
    this.#app = app;
    this.#options = options;
  }

  /** The processes that run now. */
  get children(): readonly Child[] {
    return [...this.#children];
  }

  /**
   * Keeps one process alive until the supervisor stops.
   *
   * @param number of the process, if there are several
   * @returns the exit code of its last process
   */
  async keepOne(number: number | undefined): Promise<number> {
    const { workerId, watches } = this.#options;
    let waitMs = FIRST_WAIT_MS;
    while (!this.#isStopping) {
      const changes = this.#changes;
      const child = new Child(this.#options, childWorkerId(workerId, number), number);
      this.#children.add(child);
      this.#app.core.logger.info({ child: child.pid, worker: child.workerId }, 'worker process started');
      const ended = await child.ended;
      this.#children.delete(child);
      this.#options.onEnded(child);
      if (this.#isStopping) return this.#stopped(child, ended);
      if (this.#changes > changes) {
        if (ended.isKilled) await this.#release(child, ended, 'a worker process did not stop in time and was killed');
        continue;
      }
      // A restart helps neither against wrong settings nor against a wrong password.
      if (!watches && (ended.code === EXIT.usage || ended.isRefused)) {
        this.stop('finish');
        return ended.code === EXIT.usage ? EXIT.usage : EXIT.failed;
      }
      await this.#release(
        child,
        ended,
        watches
          ? 'a worker process ended; the next change of a source file starts another'
          : 'a worker process died; starting another',
      );
      if (ended.ranMs >= SOUND_MS) waitMs = FIRST_WAIT_MS;
      if (!this.#isStopping && this.#changes === changes) await this.#sleep(watches ? undefined : waitMs);
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    }
    return EXIT.failed;
  }

  /** Replaces every process; those that run finish their tasks first. */
  restart(): void {
    this.#changes++;
    for (const child of this.#children) child.finish(this.#options.shutdownMs);
    this.#wakeAll();
  }

  /** Stops every process, and replaces none any more. */
  stop(request: StopRequest): void {
    this.#isStopping = true;
    for (const child of this.#children) {
      if (request === 'finish') child.finish(this.#options.shutdownMs);
      else child.endNow();
    }
    this.#wakeAll();
  }

  async #stopped(child: Child, ended: Ended): Promise<number> {
    const { code, signal, isKilled } = ended;
    // A signal to the process tree ends a process that has not installed its handlers yet: it ran nothing.
    if (signal === 'SIGTERM' || signal === 'SIGINT' || signal === 'SIGHUP') return EXIT.fine;
    if (signal !== null) {
      const message = isKilled ? 'a worker process did not stop in time and was killed' : 'a worker process died';
      await inTime(this.#release(child, ended, message), LAST_RELEASE_MS);
    }
    return code ?? EXIT.failed;
  }

  #wakeAll(): void {
    for (const wake of [...this.#wakers]) wake();
  }

  /**
   * Returns the messages of a dead process to their queues now, if the broker can, instead of when their leases end. Its
   * report is forgotten: it would be listed as a running worker for 30 s.
   */
  async #release(child: Child, { code, signal }: Ended, message: string): Promise<void> {
    const { core, manager } = this.#app;
    let released = 0;
    try {
      const { workers } = await manager.broker();
      const retired = workers?.retire(child.workerId).catch((error: unknown) => {
        core.logger.debug(
          { error, worker: child.workerId },
          'the report of a dead worker process could not be removed',
        );
      });
      released = (await workers?.release?.(child.workerId)) ?? 0;
      await retired;
    } catch (error) {
      core.logger.warn(
        { error, worker: child.workerId },
        'the messages of a dead worker process return to their queues when their leases end',
      );
    }
    core.logger.error({ child: child.pid, worker: child.workerId, code, signal, released }, message);
  }

  /** @param waitMs the longest wait; without it, until the sources change or the supervisor stops */
  #sleep(waitMs: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#wakers.delete(wake);
        resolve();
      };
      const timer = waitMs === undefined ? undefined : setTimeout(wake, waitMs);
      this.#wakers.add(wake);
    });
  }
}
