import { type BrokerOptions, LoopGuard } from '@brokkr/core/adapter';
import type { Client } from '../connection/connect.ts';
import { extend } from '../scripts/extend.ts';
import { renewPermits } from '../scripts/limits.ts';
import { HeldLeases } from './held-leases.ts';
import { HeldPermits } from './held-permits.ts';
import { layoutOf, SharedSlots } from './shared-slots.ts';
import { threadTargetOf } from './thread-target.ts';

export interface LeaseThreadOptions {
  /** A client of the server. The thread opens a connection like it, at the first block. */
  readonly client: Client;
  readonly leaseMs: number;
  readonly logger: BrokerOptions['logger'];
}

/** Bytes of a slot: 24, and up to 104 for the id of a message. */
const LEASE_BYTES = 128;
/** Bytes of a slot: 24, up to 300 for a key of a limit, and up to 60 for a token. */
const PERMIT_BYTES = 384;

/**
 * Renews the leases of this process, and its slots of limits, while its event loop is blocked, so that a handler may compute
 * for longer than a lease. See `docs/adr/0014-a-thread-keeps-leases-of-blocked-loops.md`.
 */
export class LeaseThread {
  readonly #guard: LoopGuard;
  readonly #slots: SharedSlots;
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
        layouts: { leases: layoutOf(LEASE_BYTES), permits: layoutOf(PERMIT_BYTES) },
      },
      afterMs: leaseMs / 6,
      everyMs: leaseMs / 3,
      logger,
    });
    return guard === undefined ? undefined : new LeaseThread(guard);
  }

  private constructor(guard: LoopGuard) {
    this.#guard = guard;
    this.#slots = new SharedSlots(LEASE_BYTES, (leases) => guard.post({ leases }));
  }

  /** @param key prefix of the keys of the queue */
  open(key: string, leaseMs: number): HeldLeases {
    const subscription = this.#subscriptions++;
    this.#guard.post({ subscription, key, leaseMs });
    return new HeldLeases(this.#guard, this.#slots, subscription);
  }

  /** The slots of limits that the handlers of this process hold. */
  get permits(): HeldPermits {
    const guard = this.#guard;
    this.#permits ??= new HeldPermits(guard, new SharedSlots(PERMIT_BYTES, (permits) => guard.post({ permits })));
    return this.#permits;
  }

  close(): Promise<void> {
    return this.#guard.close();
  }
}
