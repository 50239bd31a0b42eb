import { ConfigError } from '../errors/errors.ts';
import { type ManagerOptions, managerOptions } from './manager-options.ts';
import type { Runtime } from './runtime.ts';

/**
 * The runtime that a manager uses now: made at its first use, replaced after a close, and covered by another one while a
 * test holds the manager.
 */
export class RuntimeSlot {
  readonly #name: string;
  readonly #make: (options: ManagerOptions) => Runtime;
  #options: ManagerOptions = {};
  #runtime: Runtime | undefined;
  #isClosed = false;
  #override: Runtime | undefined;

  /** @param name of the manager, for errors */
  constructor(name: string, make: (options: ManagerOptions) => Runtime) {
    this.#name = name;
    this.#make = make;
  }

  /** Whether settings are fixed: the manager was used, and is not closed. */
  get isInUse(): boolean {
    return this.#runtime !== undefined && !this.#runtime.hasEnded;
  }

  /** The runtime, if the manager was used. */
  get made(): Runtime | undefined {
    return this.#override ?? this.#runtime;
  }

  /** @throws ConfigError (`INITIALIZED_TOO_LATE`) if the manager was used, or a test holds it @param what for the error */
  checkUnused(what: string): void {
    if (!this.isInUse && this.#override === undefined) return;
    // A test app has built its producer already, as the first send does.
    const when = this.#override === undefined ? 'after the first send or worker' : 'while a test app uses the manager';
    throw new ConfigError(`${what} ${when}: some tasks would go without it; add it earlier`, {
      code: 'INITIALIZED_TOO_LATE',
    });
  }

  active(): Runtime {
    if (this.#override !== undefined) return this.#override;
    if (this.#runtime === undefined) {
      this.#runtime = this.#make(this.#options);
      // A manager that was closed before its first use stays closed.
      if (this.#isClosed) this.#runtime.close().catch(() => undefined);
    }
    return this.#runtime;
  }

  /** Adds options. After a close, opens the manager again. @throws ConfigError (`INITIALIZED_TOO_LATE`, `SETTINGS_INVALID`) */
  configure(options: ManagerOptions): void {
    if (this.isInUse) {
      throw new ConfigError(
        'initialize() after the first send or worker: settings are fixed by then; call it earlier',
        { code: 'INITIALIZED_TOO_LATE' },
      );
    }
    const before = this.#isClosed ? this.#withoutBroker(options) : this.#options;
    this.#options = managerOptions(options, before);
    // A broker that is replaced would stay open.
    if (before.broker !== this.#options.broker) before.broker?.close().catch(() => undefined);
    this.#isClosed = false;
    this.#runtime = undefined;
  }

  /** Waits for a close that is pending. Its failure is the concern of the caller of `close`. */
  async closed(): Promise<void> {
    if (this.#isClosed) await this.#runtime?.close().catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#runtime?.close();
  }

  /** @returns a function that ends the override @throws ConfigError (`MANAGER_OVERRIDDEN`, `SETTINGS_INVALID`) */
  override(options: ManagerOptions): () => Promise<void> {
    if (this.#override !== undefined) {
      throw new ConfigError(`task manager ${this.#name} is held by another test; close that first`, {
        code: 'MANAGER_OVERRIDDEN',
      });
    }
    const runtime = this.#make(managerOptions(options));
    this.#override = runtime;
    return async () => {
      if (this.#override === runtime) this.#override = undefined;
      await runtime.close();
    };
  }

  /** The options before a close, without the broker: the close has closed that too. */
  #withoutBroker(options: ManagerOptions): ManagerOptions {
    const { broker, ...kept } = this.#options;
    if (broker === undefined || this.#runtime === undefined) return this.#options;
    if (options?.broker === undefined && options?.brokerUrl === undefined) {
      throw new ConfigError('initialize() after close(): the broker given before was closed; give another', {
        code: 'BROKER_CLOSED',
      });
    }
    return kept;
  }
}
