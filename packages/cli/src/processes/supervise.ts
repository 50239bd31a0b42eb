import type { App } from '../app/load-app.ts';
import { EXIT } from '../exit.ts';
import { Child, type Ended } from './child.ts';
import { watchSources } from './watch-sources.ts';

export interface SuperviseOptions {
  readonly manager?: string | undefined;
  readonly queues?: string | undefined;
  readonly concurrency?: number;
  readonly processes: number;
  readonly broker?: string;
  readonly watch: boolean;
}

const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 5_000;
/** A process that lived this long was sound: the next one starts at once. */
const SOUND_MS = 10_000;

/**
 * Keeps as many worker processes alive as asked, until a signal stops them; resolves with the exit code. With `watch` one
 * that ends by itself stays away until the sources change.
 */
export async function supervise(app: App, options: SuperviseOptions): Promise<number> {
  const supervisor = new Supervisor(app, argsOf(app, options), options.watch);
  const unwatch = options.watch ? await watchSources(app.path, () => supervisor.restart()) : undefined;
  const stop = () => supervisor.stop();
  process.on('SIGINT', stop).on('SIGTERM', stop);
  const codes = await Promise.all(Array.from({ length: options.processes }, () => supervisor.keepOne()));
  await unwatch?.();
  await app.manager.close();
  return Math.max(...codes);
}

class Supervisor {
  readonly #app: App;
  readonly #args: readonly string[];
  readonly #watches: boolean;
  readonly #children = new Set<Child>();
  /** How often the sources have changed. */
  #changes = 0;
  #stopping = false;
  #wakers = new Set<() => void>();

  constructor(app: App, args: readonly string[], watches: boolean) {
    this.#app = app;
    this.#args = args;
    this.#watches = watches;
  }

  /** One place for a process: filled again whenever the one in it dies. */
  async keepOne(): Promise<number> {
    let waitMs = FIRST_WAIT_MS;
    for (;;) {
      const changes = this.#changes;
      const child = new Child(this.#args);
      this.#children.add(child);
      this.#app.core.logger.info({ child: child.pid, worker: child.workerId }, 'worker process started');
      const ended = await child.ended;
      this.#children.delete(child);
      // Our own signal ends only a process that has not begun to listen for it: it ran nothing.
      if (this.#stopping) return ended.signal === 'SIGTERM' ? EXIT.fine : (ended.code ?? EXIT.failed);
      if (this.#changes > changes) continue;
      // Wrong settings do not get better by trying again, but by a change.
      if (ended.code === EXIT.usage && !this.#watches) {
        this.stop();
        return EXIT.usage;
      }
      // Nor does a wrong password.
      if (ended.isRefused && !this.#watches) {
        this.stop();
        return EXIT.failed;
      }
      await this.#tellDeath(child, ended);
      if (ended.ranMs >= SOUND_MS) waitMs = FIRST_WAIT_MS;
      if (!this.#stopping && this.#changes === changes) await this.#sleep(this.#watches ? undefined : waitMs);
      if (this.#stopping) return EXIT.failed;
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
    }
  }

  /** Ends every process gracefully and starts another in its place. */
  restart(): void {
    this.#changes++;
    for (const child of this.#children) child.finish();
    this.#wakeAll();
  }

  /** The first signal lets them finish, the second ends them at once. */
  stop(): void {
    for (const child of this.#children) {
      if (this.#stopping) child.endNow();
      else child.finish();
    }
    this.#stopping = true;
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of [...this.#wakers]) wake();
  }

  /** What a dead process held is handed back now, where the broker can, and not when its leases run out. */
  async #tellDeath(child: Child, { code, signal }: Ended): Promise<void> {
    const { core, manager } = this.#app;
    let released = 0;
    try {
      const { workers } = await manager.broker();
      released = (await workers?.release(child.workerId)) ?? 0;
    } catch (error) {
      core.logger.warn(
        { error, worker: child.workerId },
        'the messages of a dead worker process come back when their leases run out',
      );
    }
    core.logger.error(
      { child: child.pid, worker: child.workerId, code, signal, released },
      this.#watches
        ? 'a worker process ended; the next change of a source file starts another'
        : 'a worker process died; starting another',
    );
  }

  /** @param waitMs at the most; without it until something happens */
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

function argsOf(app: App, { manager, queues, concurrency, broker }: SuperviseOptions): readonly string[] {
  return [
    ...['--app', app.path],
    ...(manager === undefined ? [] : ['--manager', manager]),
    ...(queues === undefined ? [] : ['--queues', queues]),
    ...(concurrency === undefined ? [] : ['--concurrency', String(concurrency)]),
    ...(broker === undefined ? [] : ['--broker', broker]),
  ];
}
