import { setMaxListeners } from 'node:events';
import type { Subscription } from '../broker/broker.ts';
import type { Delivery } from '../broker/delivery.ts';
import type { Settlement } from '../broker/settlement.ts';
import type { Clock } from '../clock/clock.ts';
import { pause } from '../clock/pause.ts';
import { failpoint } from '../failpoints/failpoint.ts';
import { backoff } from '../clock/backoff.ts';

const AFTER_SEND: Readonly<Record<Settlement['kind'], string>> = {
  ack: 'ack.after-send',
  retry: 'fail.after-send',
  'dead-letter': 'fail.after-send',
  release: 'release.after-send',
  expire: 'expire.after-send',
};

/** Settlements of one call, and what their senders want to know when they are told of them again. */
interface Batch<C> {
  readonly settlements: Settlement[];
  readonly contexts: C[];
}

export interface SettlerOptions<C> {
  readonly subscription: Pick<Subscription, 'settle'>;
  readonly clock: Clock;
  /** Trying again makes no sense once the leases have run out. */
  readonly leaseMs: number;
  /** The broker has taken it, or (`lost`) somebody else holds the message and nothing changed. */
  readonly onSettled: (settlement: Settlement, lost: boolean, context: C) => void;
  /**
   * Nobody can tell: it could not be asked for as long as the lease lasted, or an earlier answer was lost and it now
   * says that the lease is over, which that earlier try may have done.
   */
  readonly onUnknown: (settlement: Settlement, error: unknown, context: C) => void;
}

/** Gathers the settlements of one turn of the event loop and hands them over in one call, until the broker took them. */
export class Settler<C> {
  readonly #options: SettlerOptions<C>;
  readonly #closing = new AbortController();
  #gathered: Batch<C> = { settlements: [], contexts: [] };
  #calls = 0;
  #idle: (() => void)[] = [];

  constructor(options: SettlerOptions<C>) {
    this.#options = options;
    // Each batch that waits to be asked again listens to it.
    setMaxListeners(0, this.#closing.signal);
  }

  /** Whether the broker has taken everything. */
  get isIdle(): boolean {
    return this.#gathered.settlements.length === 0 && this.#calls === 0;
  }

  add(settlement: Settlement, context: C): void {
    this.#gathered.settlements.push(settlement);
    this.#gathered.contexts.push(context);
  }

  /** Hands over what was gathered; the worker calls it once a turn. */
  flush(): void {
    if (this.#gathered.settlements.length === 0) return;
    const batch = this.#gathered;
    this.#gathered = { settlements: [], contexts: [] };
    this.#calls++;
    void this.#settle(batch);
  }

  /** Resolves once the broker has taken everything added so far, or it was given up. */
  async drained(): Promise<void> {
    this.flush();
    if (!this.isIdle) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Tries once more at the most, and no longer waits. */
  close(): void {
    this.#closing.abort();
  }

  async #settle(batch: Batch<C>): Promise<void> {
    const { subscription, clock, leaseMs, onUnknown } = this.#options;
    const { settlements, contexts } = batch;
    const giveUpAt = clock.monotonic() + leaseMs;
    let failure: { readonly error: unknown } | undefined;
    for (let waitMs = backoff(0); ; waitMs = backoff(waitMs)) {
      let lost: readonly Delivery[];
      try {
        lost = await subscription.settle(settlements);
        failpoint(AFTER_SEND[(settlements[0] as Settlement).kind]);
      } catch (error) {
        failure = { error };
        if (this.#closing.signal.aborted || clock.monotonic() + waitMs >= giveUpAt) {
          for (const [index, settlement] of settlements.entries()) onUnknown(settlement, error, contexts[index] as C);
          break;
        }
        await pause(clock, waitMs, this.#closing.signal);
        continue;
      }
      this.#taken(batch, lost, failure);
      break;
    }
    this.#calls--;
    if (!this.isIdle) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** @param failure of the try before, whose answer did not come */
  #taken(
    { settlements, contexts }: Batch<C>,
    lost: readonly Delivery[],
    failure: { readonly error: unknown } | undefined,
  ): void {
    const { onSettled, onUnknown } = this.#options;
    const refused = lost.length === 0 ? undefined : new Set(lost);
    for (let index = 0; index < settlements.length; index++) {
      const settlement = settlements[index] as Settlement;
      const context = contexts[index] as C;
      const isLost = refused?.has(settlement.delivery) ?? false;
      if (isLost && failure !== undefined) onUnknown(settlement, failure.error, context);
      else onSettled(settlement, isLost, context);
    }
  }
}
