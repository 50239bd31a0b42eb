import { setMaxListeners } from 'node:events';
import type { Subscription } from '../broker/broker.ts';
import type { Delivery } from '../broker/delivery.ts';
import type { Settlement } from '../broker/settlement.ts';
import type { Clock } from '../clock/clock.ts';
import { pause } from '../clock/pause.ts';
import { keepingKey } from '../collapse/debounce-key.ts';
import { failpoint } from '../failpoints/failpoint.ts';
import { backoff } from '../clock/backoff.ts';

const AFTER_SEND: Readonly<Record<Settlement['kind'], string>> = {
  ack: 'ack.after-send',
  retry: 'fail.after-send',
  'dead-letter': 'fail.after-send',
  release: 'release.after-send',
  expire: 'expire.after-send',
};

/** Settlements of one call, each with the context that its callback gets. */
interface Batch<C> {
  readonly settlements: Settlement[];
  readonly contexts: C[];
}

export interface SettlerOptions<C> {
  readonly subscription: Pick<Subscription, 'settle'>;
  readonly clock: Clock;
  /** Settlements are not repeated after this time: the leases have ended by then. */
  readonly leaseMs: number;
  /** The broker accepted the settlement, or (`lost`) refused it because the lease had ended; then nothing changed. */
  readonly onSettled: (settlement: Settlement, lost: boolean, context: C) => void;
  /**
   * Nobody can know whether the settlement took effect: it got no answer before its lease ended, or its first answer was
   * lost, and the repeat says that the lease is over, which the first may have caused.
   */
  readonly onUnknown: (settlement: Settlement, error: unknown, context: C) => void;
}

/** Collects the settlements of one turn of the event loop, and sends them in one call, repeated until it is answered. */
export class Settler<C> {
  readonly #options: SettlerOptions<C>;
  readonly #closing = new AbortController();
  #collected: Batch<C> = { settlements: [], contexts: [] };
  #calls = 0;
  #idle: (() => void)[] = [];

  constructor(options: SettlerOptions<C>) {
    this.#options = options;
    // Every batch that waits for its next try adds a listener. Above ten, Node would print a leak warning.
    setMaxListeners(0, this.#closing.signal);
  }

  /** Whether no settlement waits to be sent or answered. */
  get isIdle(): boolean {
    return this.#collected.settlements.length === 0 && this.#calls === 0;
  }

  /** Collects a settlement for the next call. */
  add(settlement: Settlement, context: C): void {
    this.#collected.settlements.push(keepingKey(settlement));
    this.#collected.contexts.push(context);
  }

  /** Sends the collected settlements. The worker calls it once in each turn of the event loop. */
  flush(): void {
    if (this.#collected.settlements.length === 0) return;
    const batch = this.#collected;
    this.#collected = { settlements: [], contexts: [] };
    this.#calls++;
    void this.#send(batch);
  }

  /** Sends the collected settlements, and resolves once all are answered or have timed out. */
  async drained(): Promise<void> {
    this.flush();
    if (!this.isIdle) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Lets settlements be tried at most once more, without a wait. */
  close(): void {
    this.#closing.abort();
  }

  async #send(batch: Batch<C>): Promise<void> {
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
      this.#report(batch, lost, failure);
      break;
    }
    this.#calls--;
    if (!this.isIdle) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Reports an answer. @param failure error of the previous try, whose answer was lost */
  #report(
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
