import { ConfigError } from '../errors/errors.ts';
import { kindOf } from '../errors/kind-of.ts';

/** Awaited at a worker's start or stop. */
export type Hook = () => void | Promise<void>;

/** What an application does before its worker fetches, and after it has stopped. */
export class Hooks {
  readonly #start: Hook[] = [];
  readonly #stop: Hook[] = [];

  onStart(hook: Hook): void {
    this.#start.push(checked(hook, 'onStart'));
  }

  onStop(hook: Hook): void {
    this.#stop.push(checked(hook, 'onStop'));
  }

  /** In the order given; the first that fails ends it. */
  async start(): Promise<void> {
    for (const hook of this.#start) await hook();
  }

  /** In reverse order, every one of them; what they throw is reported. */
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
  throw new ConfigError(`${method}: the hook is ${kindOf(hook)}, not a function`, { code: 'HOOK_INVALID' });
}
