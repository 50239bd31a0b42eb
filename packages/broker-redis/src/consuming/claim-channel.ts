import { randomUUID } from 'node:crypto';
import { nextTick } from 'node:process';
import { BrokerUnavailableError, type Delivery, type ServerClock } from '@brokkr/core/adapter';
import { LARGEST_BATCH } from '../batches.ts';
import type { Connection } from '../connection/connection.ts';
import { decodeEnvelope } from '../envelope-codec.ts';
import { ClaimedDelivery } from '../lease-thread/claimed-delivery.ts';
import type { HeldLeases } from '../lease-thread/held-leases.ts';
import { exchange } from '../scripts/exchange.ts';

export interface ClaimChannelOptions {
  readonly queue: string;
  /** Prefix of the queue's keys. */
  readonly key: string;
  readonly connection: Connection;
  readonly serverClock: ServerClock;
  readonly leaseMs: number;
  readonly workerId: string;
  /** Leases that a thread renews while the event loop is blocked. */
  readonly guardedLeases?: HeldLeases | undefined;
}

export interface Claimed {
  readonly deliveries: readonly Delivery[];
  /**
   * Milliseconds until a message is due or a lease ends; 0 if more messages are in line; -1 if neither will happen, or if
   * there are deliveries.
   */
  readonly nextEventMs: number;
  /** No lease began before this time on the monotonic clock. */
  readonly askedAt: number;
}

interface Done {
  readonly deliveries: readonly Delivery[];
  readonly resolve: (lost: readonly Delivery[]) => void;
  readonly reject: (error: unknown) => void;
}

interface Claim {
  readonly limit: number;
  readonly isAhead: boolean;
  readonly signal: AbortSignal;
  readonly resolve: (claimed: Claimed) => void;
  readonly reject: (error: unknown) => void;
}

/** Identifies a claim for the server: a claim whose answer was lost is repeated with the same number. */
interface Claimant {
  readonly id: string;
  readonly call: number;
  /** Order of this claimant: the claim that was sent first is repeated first. */
  readonly turn: number;
}

type Lists = readonly [
  lost: readonly number[],
  nextEventMs: number,
  fence: number,
  ids: readonly Buffer[],
  messages: readonly (Buffer | null)[],
  crashes: readonly (Buffer | null)[],
];

/** Most claims in flight at the same time. */
export const CLAIMS_AT_ONCE = 2;

/**
 * Sends finished deliveries and the next claim to the server in one call, if both arise in one turn of the event loop.
 * A claim ahead is sent immediately, before its preceding batch runs, so that worker and server work concurrently.
 * While a claim is in flight, finished deliveries wait for the next one: one call for each batch.
 */
export class ClaimChannel {
  readonly #options: ClaimChannelOptions;
  /** Claimants that have no claim in flight, by their turns. */
  readonly #claimants: Claimant[];
  #turns = 0;
  #done: Done[] = [];
  #claim: Claim | undefined;
  #isScheduled = false;
  #aheadUnderway = 0;

  constructor(options: ClaimChannelOptions) {
    this.#options = options;
    this.#claimants = Array.from({ length: CLAIMS_AT_ONCE }, () => ({
      id: randomUUID(),
      call: 1,
      turn: this.#turns++,
    }));
  }

  /** Acknowledges at most `LARGEST_BATCH` deliveries. Resolves with those whose lease was lost. */
  acknowledge(deliveries: readonly Delivery[]): Promise<readonly Delivery[]> {
    return new Promise((resolve, reject) => {
      this.#done.push({ deliveries, resolve, reject });
      this.#schedule();
    });
  }

  /**
   * Claims messages. Only one such call may run at a time, and none while claims ahead are in flight. `signal` ends the
   * wait for an unreachable server.
   */
  claim(limit: number, signal: AbortSignal): Promise<Claimed> {
    return new Promise((resolve, reject) => {
      this.#claim = { limit, isAhead: false, signal, resolve, reject };
      this.#schedule();
    });
  }

  /**
   * Claims messages ahead; at most `CLAIMS_AT_ONCE` calls at the same time. Sends immediately, with all finished
   * deliveries.
   */
  claimAhead(limit: number, signal: AbortSignal): Promise<Claimed> {
    this.#aheadUnderway++;
    const claimed = new Promise<Claimed>((resolve, reject) => {
      void this.#exchange({ limit, isAhead: true, signal, resolve, reject });
    });
    return claimed.finally(() => {
      this.#aheadUnderway--;
      // Deliveries that waited for this answer are sent with the next claim, or alone if no claim follows in this turn.
      setImmediate(() => this.#schedule());
    });
  }

  #schedule(): void {
    if (this.#isScheduled || !this.#isDue) return;
    this.#isScheduled = true;
    afterMicrotasks(() => {
      this.#isScheduled = false;
      if (!this.#isDue) return;
      const claim = this.#claim;
      this.#claim = undefined;
      void this.#exchange(claim);
    });
  }

  get #isDue(): boolean {
    return this.#aheadUnderway === 0 && (this.#done.length > 0 || this.#claim !== undefined);
  }

  async #exchange(claim: Claim | undefined): Promise<void> {
    const done = this.#takeDone();
    if (this.#done.length > 0) this.#schedule();
    const claimant = claim === undefined ? undefined : this.#claimants.shift();
    try {
      const { connection } = this.#options;
      const { breaks } = connection;
      const askedAt = performance.now();
      const answer = await this.#send(done, claim, claimant);
      if (claimant !== undefined) this.#free({ id: claimant.id, call: claimant.call + 1, turn: this.#turns++ });
      try {
        tell(done, unlessBroken(connection, breaks, answer[0]));
      } catch (error) {
        for (const { reject } of done) reject(error);
      }
      claim?.resolve({ deliveries: this.#read(answer), nextEventMs: answer[1], askedAt });
    } catch (error) {
      if (claimant !== undefined) this.#free(claimant);
      for (const { reject } of done) reject(error);
      claim?.reject(error);
    }
  }

  #free(claimant: Claimant): void {
    this.#claimants.push(claimant);
    this.#claimants.sort((one, other) => one.turn - other.turn);
  }

  /** Takes as many finished deliveries as fit in one call. */
  #takeDone(): Done[] {
    let size = 0;
    const tooMany = this.#done.findIndex(({ deliveries }) => {
      size += deliveries.length;
      return size > LARGEST_BATCH;
    });
    return this.#done.splice(0, tooMany < 0 ? this.#done.length : tooMany);
  }

  async #send(done: readonly Done[], claim: Claim | undefined, claimant: Claimant | undefined): Promise<Lists> {
    const { connection, key, leaseMs, workerId } = this.#options;
    const args = [
      String(claim?.limit ?? 0),
      claim?.isAhead === true ? '1' : '0',
      String(leaseMs),
      workerId,
      claimant?.id ?? '',
      String(claimant?.call ?? 0),
    ];
    for (const { deliveries } of done) for (const { envelope } of deliveries) args.push(envelope.id);
    for (const { deliveries } of done) for (const { fence } of deliveries) args.push(String(fence));
    const reply = await connection.run(exchange, key, args, { signal: claim?.signal });
    return reply as unknown as Lists;
  }

  #read([, , fence, ids, messages, crashes]: Lists): Delivery[] {
    const { queue, serverClock, guardedLeases } = this.#options;
    const deliveries: Delivery[] = [];
    for (let at = 0; at < ids.length; at++) {
      const bytes = messages[at];
      if (bytes === null || bytes === undefined) continue;
      const id = ids[at] as Buffer;
      const own = fence + at + 1;
      const envelope = serverClock.toLocal(decodeEnvelope(id.toString(), queue, bytes));
      const slot = guardedLeases?.claimed(id, own) ?? -1;
      deliveries.push(new ClaimedDelivery(envelope, own, Number(crashes[at] ?? 0), slot));
    }
    return deliveries;
  }
}

/** Microtasks that are queued by then run first: their calls are included. */
function afterMicrotasks(then: () => void): void {
  queueMicrotask(() => nextTick(then));
}

/**
 * Returns the numbers of a settlement's lost leases. If the connection broke during the call, the client may have sent
 * it twice, and deliveries that the first call settled look lost to the second.
 * @throws BrokerUnavailableError then: the answer is ambiguous
 */
export function unlessBroken(connection: Connection, breaks: number, lost: readonly number[]): readonly number[] {
  if (lost.length === 0 || connection.breaks === breaks) return lost;
  throw new BrokerUnavailableError('the connection to Redis broke while this was settled');
}

/** Reports to each caller which of its deliveries were lost. The numbers (from 1) count all deliveries of the call. */
function tell(done: readonly Done[], lost: readonly number[]): void {
  let before = 0;
  for (const { deliveries, resolve } of done) {
    const first = before;
    before += deliveries.length;
    const own = lost.filter((number) => number > first && number <= before);
    resolve(own.map((number) => deliveries[number - first - 1] as Delivery));
  }
}
