import type { Subscription } from '../broker/broker.ts';
import type { Delivery } from '../broker/delivery.ts';
import type { Settlement } from '../broker/settlement.ts';
import type { Clock } from '../clock/clock.ts';

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 2_000;

export interface SettlerOptions<C> {
  readonly subscription: Subscription;
  readonly clock: Clock;
  /** Trying again makes no sense once the leases have run out. */
  readonly leaseMs: number;
  /** The broker has taken it, or (`lost`) somebody else holds the message and nothing changed. */
  readonly onSettled: (settlement: Settlement, lost: boolean, context: C) => void;
  /** It could not be asked for as long as the lease lasted: the message will be handed over again. */
  readonly onUnknown: (settlement: Settlement, error: unknown, context: C) => void;
}

/** Gathers the settlements of one turn of the event loop and hands them over in one call, until the broker took them. */
export class Settler<C> {
  readonly #options: SettlerOptions<C>;
  readonly #sleepers = new Set<() => void>();
  #settlements: Settlement[] = [];
  /** What each one's sender wants to know when it is told of it again. */
  #contexts: C[] = [];
  #calls = 0;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(options: SettlerOptions<C>) {
    this.#options = options;
  }

  /** Whether the broker has taken everything. */
  get isIdle(): boolean {
    return this.#settlements.length === 0 && this.#calls === 0;
  }

  add(settlement: Settlement, context: C): void {
    this.#settlements.push(settlement);
    this.#contexts.push(context);
  }

  /** Hands over what was gathered; the worker calls it once a turn. */
  flush(): void {
    if (this.#settlements.length === 0) return;
    const settlements = this.#settlements;
    const contexts = this.#contexts;
    this.#settlements = [];
    this.#contexts = [];
    this.#calls++;
    void this.#settle(settlements, contexts);
  }

  /** Resolves once the broker has taken everything added so far, or it was given up. */
  async drained(): Promise<void> {
    this.flush();
    if (!this.isIdle) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Tries once more at the most, and no longer waits. */
  close(): void {
    this.#closed = true;
    for (const wake of [...this.#sleepers]) wake();
  }

  async #settle(settlements: readonly Settlement[], contexts: readonly C[]): Promise<void> {
    const { subscription, clock, leaseMs, onUnknown } = this.#options;
    const giveUpAt = clock.monotonic() + leaseMs;
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
      try {
        this.#taken(settlements, contexts, await subscription.settle(settlements));
        break;
      } catch (error) {
        if (this.#closed || clock.monotonic() + waitMs >= giveUpAt) {
          for (const [index, settlement] of settlements.entries()) onUnknown(settlement, error, contexts[index] as C);
          break;
        }
        await this.#sleep(waitMs);
      }
    }
    this.#calls--;
    if (!this.isIdle) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #taken(settlements: readonly Settlement[], contexts: readonly C[], lost: readonly Delivery[]): void {
    const { onSettled } = this.#options;
    const refused = lost.length === 0 ? undefined : new Set(lost);
    for (let index = 0; index < settlements.length; index++) {
      const settlement = settlements[index] as Settlement;
      onSettled(settlement, refused?.has(settlement.delivery) ?? false, contexts[index] as C);
    }
  }

  #sleep(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#options.clock.clearTimeout(timer);
        this.#sleepers.delete(wake);
        resolve();
      };
      const timer = this.#options.clock.setTimeout(wake, waitMs);
      this.#sleepers.add(wake);
    });
  }
}
