import { type BrokerOptions, LoopGuard } from '@brokkr/core/adapter';
import type { Client } from '../connection/connect.ts';
import type { Keys } from '../keys.ts';
import { extend } from '../scripts/extend.ts';
import { renewPermits } from '../scripts/limits.ts';
import { HeldLeases } from './held-leases.ts';
import { HeldPermits, PERMIT_LAYOUT } from './held-permits.ts';
import { LeaseSlots, SLOT_LAYOUT } from './lease-slots.ts';
import { threadTargetOf } from './thread-target.ts';

export interface LeaseThreadOptions {
  /** A client of the server. The thread opens a connection like it, at the first block. */
  readonly client: Client;
  readonly leaseMs: number;
  readonly logger: BrokerOptions['logger'];
}

/**
 * Renews the leases of this process, and its slots of limits, while its event loop is blocked, so that a handler may compute
 * for longer than a lease. See `docs/adr/0014-a-thread-keeps-leases-of-blocked-loops.md`.
 */
export class LeaseThread {
  readonly #guard: LoopGuard;
  readonly #slots: LeaseSlots;
  #permits: HeldPermits | undefined;
  #subscriptions = 0;

  /** @returns `undefined` if no thread can be started, or none can connect as `client` does */
  static start({ client, leaseMs, logger }: LeaseThreadOptions): LeaseThread | undefined {
    const target = threadTargetOf(client);
    if (target === undefined) {
      logger?.info(
        'the options of the Redis client hold functions: leases are not renewed while the event loop is blocked',
      );
      return undefined;
    }
    const guard = LoopGuard.start({
      module: new URL('./renew-leases.js', import.meta.url),
      data: {
        target,
        scripts: { extend: extend.lua, renewPermits: renewPermits.lua },
        layouts: { leases: SLOT_LAYOUT, permits: PERMIT_LAYOUT },
      },
      afterMs: leaseMs / 6,
      everyMs: leaseMs / 3,
      logger,
    });
    return guard === undefined ? undefined : new LeaseThread(guard);
  }

  private constructor(guard: LoopGuard) {
    this.#guard = guard;
    this.#slots = new LeaseSlots((leases) => guard.post({ leases }));
  }

  /** @param key prefix of the keys of the queue */
  open(key: string, leaseMs: number): HeldLeases {
    const subscription = this.#subscriptions++;
    this.#guard.post({ subscription, key, leaseMs });
    return new HeldLeases(this.#guard, this.#slots, subscription);
  }

  /** The slots of limits that the handlers of this process hold. */
  permits(keys: Keys): HeldPermits {
    this.#permits ??= new HeldPermits(this.#guard, keys, (permits) => this.#guard.post({ permits }));
    return this.#permits;
  }

  close(): Promise<void> {
    return this.#guard.close();
  }
}
