import { type BrokerOptions, LoopGuard } from '@brokkr/core/adapter';
import type { Client } from '../connection/connect.ts';
import { extend } from '../scripts/extend.ts';
import { HeldLeases } from './held-leases.ts';
import { LeaseSlots, SLOT_LAYOUT } from './lease-slots.ts';
import { threadTargetOf } from './thread-target.ts';

export interface LeaseThreadOptions {
  /** A client of the server. The thread opens a connection like it, at the first block. */
  readonly client: Client;
  readonly leaseMs: number;
  readonly logger: BrokerOptions['logger'];
}

/**
 * Renews the leases of this process while its event loop is blocked, so that a handler may compute for longer than a
 * lease. See `docs/adr/0014-a-thread-keeps-leases-of-blocked-loops.md`.
 */
export class LeaseThread {
  readonly #guard: LoopGuard;
  readonly #slots: LeaseSlots;
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
      data: { target, script: extend.lua, layout: SLOT_LAYOUT },
      afterMs: leaseMs / 6,
      everyMs: leaseMs / 3,
      logger,
    });
    return guard === undefined ? undefined : new LeaseThread(guard);
  }

  private constructor(guard: LoopGuard) {
    this.#guard = guard;
    this.#slots = new LeaseSlots((grown) => guard.post({ grown }));
  }

  /** @param key prefix of the keys of the queue */
  open(key: string, leaseMs: number): HeldLeases {
    const subscription = this.#subscriptions++;
    this.#guard.post({ subscription, key, leaseMs });
    return new HeldLeases(this.#guard, this.#slots, subscription);
  }

  close(): Promise<void> {
    return this.#guard.close();
  }
}
