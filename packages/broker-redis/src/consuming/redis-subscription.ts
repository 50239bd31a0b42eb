import { type Delivery, delayUntil, type Settlement, type Subscription } from '@brokkr/core/adapter';
import { keptKey } from '../publishing/collapsed-messages.ts';
import { Prefetcher, isLate } from './prefetcher.ts';
import { batches, LARGEST_BATCH } from '../batches.ts';
import type { Lookout } from './lookout.ts';
import type { Doorbell } from './doorbell.ts';
import { encodeEnvelope } from '../envelope-codec.ts';
import { CLAIMS_AT_ONCE, type Claimed, ClaimChannel, type ClaimChannelOptions, unlessBroken } from './claim-channel.ts';
import { extend } from '../scripts/extend.ts';
import type { Reply, Script } from '../scripts/script.ts';
import { settle } from '../scripts/settle.ts';

export interface RedisSubscriptionOptions extends ClaimChannelOptions {
  readonly doorbell: Doorbell;
  /** Rings for another consumer, if there is anything to claim. */
  readonly passOn: () => void;
  readonly lookout: Lookout;
  /** Whether this process has so many queues that looking at all of them is quicker than claiming from each. */
  readonly hasManyQueues: () => boolean;
  /** Most messages of one claim ahead of `receive`. */
  readonly prefetch: number;
  readonly onClose: () => void;
}

/**
 * Receives from one queue: batches that the `Prefetcher` claimed ahead, else a claim by the `ClaimChannel`. If there is no
 * message, it waits at its doorbell.
 */
export class RedisSubscription implements Subscription {
  readonly #options: RedisSubscriptionOptions;
  readonly #channel: ClaimChannel;
  readonly #prefetcher: Prefetcher;
  readonly #closing = new AbortController();

  constructor(options: RedisSubscriptionOptions) {
    this.#options = options;
    this.#channel = new ClaimChannel(options);
    this.#prefetcher = new Prefetcher({
      most: Math.min(options.prefetch, LARGEST_BATCH),
      batches: CLAIMS_AT_ONCE,
      leaseMs: options.leaseMs,
      claim: (limit) => this.#channel.claimAhead(limit, this.#closing.signal),
      release: (deliveries) => this.#release(deliveries),
    });
  }

  async receive(
    limit: number,
    { signal, wait }: { readonly signal: AbortSignal; readonly wait: boolean },
  ): Promise<readonly Delivery[]> {
    const most = Math.min(limit, LARGEST_BATCH);
    const { doorbell, lookout, passOn, queue, hasManyQueues } = this.#options;
    const isOver = () => signal.aborted || this.#closing.signal.aborted;
    let looksFirst = wait && hasManyQueues();
    while (!isOver()) {
      const ahead = await this.#prefetcher.take(most);
      if (looksFirst && ahead.length === 0) {
        looksFirst = false;
        const ms = await lookout.look(queue, signal);
        if (ms !== 0 && !isOver() && (await doorbell.wait(ms, signal)) && isOver()) passOn();
        continue;
      }
      const claimed = ahead.length > 0 ? undefined : await this.#claim(most, signal);
      const deliveries = claimed?.deliveries ?? ahead;
      if (isOver() || (claimed !== undefined && isLate(claimed, this.#options.leaseMs))) {
        await this.#release(deliveries);
        continue;
      }
      if (deliveries.length > 0) this.#prefetcher.refill(deliveries, most, signal);
      if (deliveries.length > 0 || claimed === undefined || !wait) return deliveries;
      // If the call is aborted at the moment at which the doorbell rings, another consumer must take the message.
      if ((await doorbell.wait(claimed.nextEventMs, signal)) && isOver()) passOn();
    }
    return [];
  }

  async mayHaveMessages(signal: AbortSignal): Promise<boolean> {
    return this.#prefetcher.holds || (await this.#options.lookout.look(this.#options.queue, signal)) === 0;
  }

  async settle(settlements: readonly Settlement[]): Promise<readonly Delivery[]> {
    const { guardedLeases } = this.#options;
    const done: Delivery[] = [];
    const others: Settlement[] = [];
    for (const settlement of settlements) {
      guardedLeases?.ended(settlement.delivery);
      // The key of a cancelled task must be freed, which the fast path does not do.
      if (settlement.kind === 'ack' && !settlement.wasCancelled) done.push(settlement.delivery);
      else others.push(settlement);
    }
    const lost = await Promise.all([
      ...batches(done).map((part) => this.#channel.acknowledge(part)),
      ...batches(others).map((part) => this.#settle(part)),
    ]);
    return lost.length === 1 ? (lost[0] as readonly Delivery[]) : lost.flat();
  }

  async extend(deliveries: readonly Delivery[]): Promise<readonly Delivery[]> {
    const lost = await Promise.all(
      batches(deliveries).map(async (part) =>
        pick(part, await this.#run(extend, [String(this.#options.leaseMs), ...idsAndFences(part)])),
      ),
    );
    const ended = lost.flat();
    for (const delivery of ended) this.#options.guardedLeases?.ended(delivery);
    return ended;
  }

  guard(delivery: Delivery, until: number): void {
    this.#options.guardedLeases?.runs(delivery, until);
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#options.doorbell.close();
    await this.#prefetcher.close();
    this.#options.onClose();
  }

  /** Returns `undefined` if the wait for an unreachable server was aborted. */
  async #claim(limit: number, signal: AbortSignal): Promise<Claimed | undefined> {
    try {
      return await this.#channel.claim(limit, signal);
    } catch (error) {
      if (signal.aborted || this.#closing.signal.aborted) return undefined;
      throw error;
    }
  }

  /** Starts with the last one, because each goes to the head of the line. */
  #release(deliveries: readonly Delivery[]): Promise<readonly Delivery[]> {
    return this.settle(deliveries.toReversed().map((delivery) => ({ kind: 'release', delivery })));
  }

  async #settle(settlements: readonly Settlement[]): Promise<readonly Delivery[]> {
    const { serverClock } = this.#options;
    const args: (string | Buffer)[] = [];
    const now = Date.now();
    for (const settlement of settlements) {
      const { kind, delivery } = settlement;
      const replacement = 'replacement' in settlement ? settlement.replacement : undefined;
      args.push(kind === 'ack' ? 'cancel' : kind, delivery.envelope.id, String(delivery.fence));
      args.push(replacement === undefined ? '' : encodeEnvelope(serverClock.toServer(replacement)));
      args.push(String(delayUntil(replacement?.notBefore, now)), keptKey(replacement?.collapse));
    }
    return pick(
      settlements.map(({ delivery }) => delivery),
      await this.#end(settle, args),
    );
  }

  /** Runs a settlement, and returns the numbers of the lost leases. */
  async #end(script: Script, args: readonly (string | Buffer)[]): Promise<Reply> {
    const { connection } = this.#options;
    const { breaks } = connection;
    return unlessBroken(connection, breaks, (await this.#run(script, args)) as readonly number[]);
  }

  #run(script: Script, args: readonly (string | Buffer)[]): Promise<Reply> {
    return this.#options.connection.run(script, this.#options.key, args);
  }
}

function idsAndFences(deliveries: readonly Delivery[]): string[] {
  const args: string[] = [];
  for (const { envelope, fence } of deliveries) args.push(envelope.id, String(fence));
  return args;
}

/** Returns the deliveries whose numbers (from 1) a script returned. */
function pick(deliveries: readonly Delivery[], numbers: Reply): readonly Delivery[] {
  return (numbers as readonly number[]).map((number) => deliveries[number - 1] as Delivery);
}
