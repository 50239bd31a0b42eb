import { ConfigError } from '../errors/errors.ts';
import { kindOf } from '../errors/kind-of.ts';

/** A function that is awaited when a worker starts or stops. */
export type Hook = () => void | Promise<void>;

/** Functions of the application that run before a worker fetches, and after it has stopped. */
export class Hooks {
  readonly #start: Hook[] = [];
  readonly #stop: Hook[] = [];

  onStart(hook: Hook): void {
    this.#start.push(checked(hook, 'onStart'));
  }

  onStop(hook: Hook): void {
    this.#stop.push(checked(hook, 'onStop'));
  }

  /** Runs the start hooks in their order, and rejects with the error of the first that fails. */
  async start(): Promise<void> {
    for (const hook of this.#start) await hook();
  }

  /** Runs all stop hooks in reverse order, and reports their errors. */
  async stop(report: (error: unknown) => void): Promise<void> {
    for (const hook of this.#stop.toReversed()) {
      try {
        await hook();
      } catch (error) {
        report(error);
      }
    }
  }
}

function checked(hook: unknown, method: string): Hook {
  if (typeof hook === 'function') return hook as Hook;
  throw new ConfigError(`${method}: the hook must be a function; got ${kindOf(hook)}`, { code: 'HOOK_INVALID' });
}
