import type { Broker, SubscribeOptions, Subscription } from '../broker/broker.ts';
import { deadLetterQueue } from '../broker/dead-letter.ts';
import type { Delivery } from '../broker/delivery.ts';
import type { Envelope } from '../broker/envelope.ts';
import { laneName, PRIORITIES, type Priority } from '../broker/lane-names.ts';
import type { Settlement } from '../broker/settlement.ts';
import type { Clock } from '../clock/clock.ts';
import { Fetcher } from './fetcher.ts';
import type { OnFetchError } from './queue-share.ts';
import type { Source } from './source.ts';

/** Shares of the lanes, while all of them have messages. */
const WEIGHTS: Readonly<Record<Priority, number>> = { high: 8, normal: 4, low: 1 };

export interface PriorityOptions {
  /** Take from a lane only if those before it are empty. */
  readonly strict: boolean;
  readonly clock: Clock;
  readonly onError: OnFetchError;
}

/** A delivery of a lane, as one of the queue. */
class LaneDelivery implements Delivery {
  readonly envelope: Envelope;
  readonly fence: number;
  readonly crashes: number;
  readonly remainingDelayMs: number | undefined;
  readonly dueAt: number | undefined;
  readonly mayHaveRun: boolean | undefined;
  readonly origin: Delivery;
  readonly lane: Source;
  /** Whether its lease was lost, once its settlement was answered. */
  answer: { readonly isLost: boolean } | undefined;

  constructor(origin: Delivery, lane: Source, queue: string) {
    this.envelope = { ...origin.envelope, queue };
    this.fence = origin.fence;
    this.crashes = origin.crashes;
    this.remainingDelayMs = origin.remainingDelayMs;
    this.dueAt = origin.dueAt;
    this.mayHaveRun = origin.mayHaveRun;
    this.origin = origin;
    this.lane = lane;
  }
}

/** The queue of the broker that holds a delivery: the lane of its message. */
export function laneOf(delivery: Delivery): string {
  return delivery instanceof LaneDelivery ? delivery.lane.queue : delivery.envelope.queue;
}

/**
 * The three lanes of a queue as one subscription, so that a worker sees only the queue. A message that is retried or dies
 * stays in its lane, also when it is redriven.
 */
export class PrioritySubscription implements Subscription {
  readonly #queue: string;
  readonly #lanes: readonly Source[];
  readonly #fetcher: Fetcher<Source>;

  /** Subscribes to the lanes of `queue`. If one fails, the others are closed again. @throws what `Broker.subscribe` throws */
  static async open(
    broker: Broker,
    queue: string,
    subscribing: SubscribeOptions,
    options: PriorityOptions,
  ): Promise<PrioritySubscription> {
    const opened = await Promise.allSettled(
      PRIORITIES.map(async (priority): Promise<Source> => {
        const lane = laneName(queue, priority);
        const subscription = await broker.subscribe(lane, subscribing);
        return { queue: lane, weight: WEIGHTS[priority], subscription, extra: 0, isPaused: false };
      }),
    );
    const lanes = opened.flatMap((lane) => (lane.status === 'fulfilled' ? [lane.value] : []));
    const failed = opened.find((lane) => lane.status === 'rejected');
    if (failed === undefined) return new PrioritySubscription(queue, lanes, options);
    await Promise.allSettled(lanes.map(({ subscription }) => subscription.close()));
    throw failed.reason;
  }

  private constructor(queue: string, lanes: readonly Source[], options: PriorityOptions) {
    this.#queue = queue;
    this.#lanes = lanes;
    this.#fetcher = new Fetcher(lanes, options);
  }

  async receive(
    limit: number,
    { signal, wait }: { readonly signal: AbortSignal; readonly wait: boolean },
  ): Promise<readonly Delivery[]> {
    const fetched = await (wait ? this.#fetcher.next(limit, signal) : this.#fetcher.poll(limit, signal));
    return fetched.flatMap(({ source, deliveries }) =>
      deliveries.map((delivery) => new LaneDelivery(delivery, source, this.#queue)),
    );
  }

  async mayHaveMessages(signal: AbortSignal): Promise<boolean> {
    const may = this.#lanes.map(async ({ subscription }) => (await subscription.mayHaveMessages?.(signal)) ?? true);
    return (await Promise.all(may)).includes(true);
  }

  /** If one lane cannot be asked, this rejects; a repeat asks only the lanes that have not answered. */
  async settle(settlements: readonly Settlement[]): Promise<readonly Delivery[]> {
    const pending = settlements.filter(({ delivery }) => (delivery as LaneDelivery).answer === undefined);
    await this.#each(pending, async (lane, own) => {
      const lost = new Set(await lane.subscription.settle(own.map((settlement) => inLane(settlement, lane))));
      for (const { delivery } of own) {
        const settled = delivery as LaneDelivery;
        settled.answer = { isLost: lost.has(settled.origin) };
      }
    });
    return settlements.map(({ delivery }) => delivery as LaneDelivery).filter(({ answer }) => answer?.isLost === true);
  }

  async extend(deliveries: readonly Delivery[]): Promise<readonly Delivery[]> {
    const lost: Delivery[] = [];
    await this.#each(
      deliveries.map((delivery) => ({ delivery })),
      async (lane, own) => {
        const origins = own.map(({ delivery }) => (delivery as LaneDelivery).origin);
        const gone = new Set(await lane.subscription.extend(origins));
        lost.push(...own.map(({ delivery }) => delivery).filter((each) => gone.has((each as LaneDelivery).origin)));
      },
    );
    return lost;
  }

  guard(delivery: Delivery, until: number): void {
    const { lane, origin } = delivery as LaneDelivery;
    lane.subscription.guard?.(origin, until);
  }

  holds(delivery: Delivery): boolean {
    const { lane, origin } = delivery as LaneDelivery;
    return lane.subscription.holds?.(origin) ?? true;
  }

  async close(): Promise<void> {
    const closed = await Promise.allSettled(this.#lanes.map(({ subscription }) => subscription.close()));
    for (const lane of closed) if (lane.status === 'rejected') throw lane.reason;
  }

  /** Calls each lane once, with what belongs to it. Rejects after all have answered. */
  async #each<T extends { readonly delivery: Delivery }>(
    all: readonly T[],
    call: (lane: Source, own: readonly T[]) => Promise<void>,
  ): Promise<void> {
    const calls = this.#lanes.map(async (lane) => {
      const own = all.filter(({ delivery }) => (delivery as LaneDelivery).lane === lane);
      if (own.length > 0) await call(lane, own);
    });
    for (const answer of await Promise.allSettled(calls)) if (answer.status === 'rejected') throw answer.reason;
  }
}

/** The settlement of a delivery of the queue, as its lane needs it. */
function inLane(settlement: Settlement, { queue }: Source): Settlement {
  const delivery = (settlement.delivery as LaneDelivery).origin;
  switch (settlement.kind) {
    case 'retry':
      return { ...settlement, delivery, replacement: { ...settlement.replacement, queue } };
    case 'dead-letter':
      return { ...settlement, delivery, replacement: { ...settlement.replacement, queue: deadLetterQueue(queue) } };
    default:
      return { ...settlement, delivery };
  }
}
