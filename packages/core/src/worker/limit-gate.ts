// From the module: tests that fake timers replace the global function.
import { setImmediate } from 'node:timers';
import type { Logger } from 'pino';
import type { Delivery } from '../broker/delivery.ts';
import { LIMIT_HEADER, LIMITED_BY_HEADER } from '../broker/headers.ts';
import type { LimitDemand, Permit, PermitRequest, Refusal } from '../broker/limit-store.ts';
import type { Settlement } from '../broker/settlement.ts';
import type { Clock } from '../clock/clock.ts';
import { isPlaceholder } from '../collapse/join-record.ts';
import type { CurrentRules } from '../limits/current-rules.ts';
import type { PermitDesk } from '../limits/permit-desk.ts';
import { messageId } from '../message/message-id.ts';
import type { RateLimitError } from '../task/rate-limit-error.ts';
import { HeldDelivery } from './held-delivery.ts';
import { deadLetterFor, delayForDeploy, type JudgeContext, mayRun } from './judge-delivery.ts';
import { laneOf } from './priority-subscription.ts';
import type { ServedQueue } from './served-queue.ts';

/** How long a message waits that could not ask, in milliseconds. */
const AWAY_MS = 2_000;

/** What the gate does with deliveries that it has decided about. */
export interface Gatekeeper {
  /**
   * Hands deliveries over that may start now.
   * @param startBy time on the monotonic clock after which none may start: their slots could lapse before they are renewed
   */
  readonly handOver: (served: ServedQueue, deliveries: readonly Delivery[], startBy: number) => void;
  /** Settles a delivery that does not start. */
  readonly turnAway: (held: HeldDelivery, settlement: Settlement) => void;
  /** Is called when settlements wait to be sent, or a slot may be free. */
  readonly onChange: () => void;
}

export interface LimitGateOptions extends Gatekeeper {
  readonly rules: CurrentRules;
  readonly desk: PermitDesk;
  readonly judging: JudgeContext;
  /** How long a permit is held without a renewal, in milliseconds. */
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The permits of a delivery that was admitted. */
interface Pass {
  readonly request: PermitRequest;
  /** When it was asked for or renewed, on the monotonic clock: it is live for a lease after that. */
  liveSince: number;
}

/** A delivery that asks for its permits. */
interface Asking {
  readonly held: HeldDelivery;
  readonly request: PermitRequest;
}

/**
 * Stands between the fetch and the handlers: messages with limits start only with their permits. Refused messages are
 * delayed, which counts neither as an attempt nor as a crash, and takes no slot of the worker. Other messages pass.
 */
export class LimitGate {
  readonly #options: LimitGateOptions;
  /** The deliveries of this process have tokens of their own. */
  readonly #tokenPrefix = `${messageId().slice(0, 12)}-`;
  #tokens = 0;
  /** The slots of deliveries that were admitted, until their runs end. */
  readonly #passes = new Map<Delivery, Pass>();
  #asking = 0;
  #isFlushing = false;
  #answered: (() => void)[] = [];

  constructor(options: LimitGateOptions) {
    this.#options = options;
  }

  /** Reads the rules that were set at run time. @throws BrokerUnavailableError if they cannot be read */
  async start(): Promise<void> {
    const { rules, desk } = this.#options;
    await rules.start();
    if (rules.areNeeded) desk.start();
  }

  /** Reads them again. */
  limitsChanged(): void {
    this.#options.rules.look();
  }

  /** Number of deliveries that ask for permits now. */
  get asking(): number {
    return this.#asking;
  }

  /** Takes the deliveries that need permits, and asks for these in one call. @returns the other deliveries */
  takeLimited(served: ServedQueue, deliveries: readonly Delivery[]): readonly Delivery[] {
    const queueLimit = this.#options.rules.nameOfQueue(served.queue);
    if (queueLimit === undefined && !deliveries.some(isLimited)) return deliveries;
    const others: Delivery[] = [];
    const asking: Asking[] = [];
    for (const delivery of deliveries) {
      const isFree = queueLimit === undefined && !isLimited(delivery);
      if (isFree || isPlaceholder(delivery.envelope) || !mayRun(delivery, this.#options.judging)) {
        others.push(delivery);
        continue;
      }
      const held = new HeldDelivery(served, delivery);
      served.leases.hold(held);
      const request = this.#request(held, queueLimit);
      if (request !== undefined) asking.push({ held, request });
    }
    if (asking.length > 0) void this.#ask(served, asking);
    return others;
  }

  /** Ends the permits of a delivery. @param ranMs how long its handler ran; 0 if it did not run */
  ended(delivery: Delivery, ranMs: number): void {
    if (this.#passes.size === 0) return;
    const pass = this.#passes.get(delivery);
    if (pass === undefined) return;
    this.#passes.delete(delivery);
    const { token, demands } = pass.request;
    for (const { limit, key, rule } of demands) {
      if (rule.kind === 'concurrency') this.#options.desk.giveBack(limit, key, token, rule.slots, ranMs);
    }
  }

  /** Renews the permits of deliveries whose leases are renewed. */
  renew(deliveries: readonly Delivery[]): void {
    if (this.#passes.size === 0) return;
    const passes = deliveries.flatMap((delivery) => this.#passes.get(delivery) ?? []);
    const { desk, clock, leaseMs } = this.#options;
    const renewedAt = clock.monotonic();
    desk.renew(passes.flatMap(permitsOf), () => {
      // One that had lapsed before the call stays lost, and no answer says so.
      const now = clock.monotonic();
      for (const pass of passes) if (pass.liveSince + leaseMs > now) pass.liveSince = renewedAt;
    });
  }

  /**
   * Whether a delivery that waited with its permits may start: they are live, and will be renewed in time. After a block of
   * the event loop they may have lapsed.
   */
  mayStart(delivery: Delivery): boolean {
    const pass = this.#passes.size === 0 ? undefined : this.#passes.get(delivery);
    return pass === undefined || this.#options.clock.monotonic() <= this.#startBy(pass.liveSince);
  }

  /**
   * The handler of a delivery starts: its permits are kept up to the time at which it must have ended.
   * @param until of `performance.now`, milliseconds; 0 if its message was lost
   */
  guard(delivery: Delivery, until: number): void {
    if (this.#passes.size === 0) return;
    this.#options.desk.guard(this.#passes.get(delivery)?.request, until);
  }

  /**
   * Stops the clock of the limit that a handler has reached at a service. An error that names no key means the keys under
   * which its message has the limit.
   */
  hold({ limit, delayMs }: RateLimitError, { envelope }: Delivery): void {
    const { rules, desk } = this.#options;
    const demands = limit.key === '' ? rules.demandsOf(envelope.headers[LIMIT_HEADER], undefined) : [];
    const keys = Array.isArray(demands) ? demands.filter(isDemandOf(limit.name)).map(({ key }) => key) : [];
    for (const key of keys.length > 0 ? keys : [limit.key]) desk.hold(limit.name, key, delayMs);
  }

  /**
   * Gives back the permits of runs that have ended. The worker calls it once in each turn of the event loop. If the next
   * messages were fetched ahead, they ask in this turn: then both go in one call.
   */
  flush(): void {
    const { desk } = this.#options;
    if (this.#isFlushing || !desk.hasReturned) return;
    this.#isFlushing = true;
    setImmediate(() => {
      this.#isFlushing = false;
      desk.flush();
    });
  }

  /** Resolves once no delivery asks for permits. */
  async answered(): Promise<void> {
    if (this.#asking > 0) await new Promise<void>((resolve) => this.#answered.push(resolve));
  }

  /** Resolves once all permits are given back. */
  drained(): Promise<void> {
    return this.#options.desk.drained();
  }

  close(): void {
    this.#options.rules.close();
    this.#options.desk.close();
  }

  /** The request of a delivery; `undefined` if it was turned away. */
  #request(held: HeldDelivery, queueLimit: string | undefined): PermitRequest | undefined {
    const { rules, judging, turnAway } = this.#options;
    const { id, headers } = held.delivery.envelope;
    const demands = rules.demandsOf(headers[LIMIT_HEADER], queueLimit);
    if ('malformed' in demands) {
      const reason = `malformed: the header ${LIMIT_HEADER} is not a list of limits`;
      turnAway(held, deadLetterFor(held.delivery, reason, judging));
      return undefined;
    }
    if ('unknown' in demands) {
      const reason = `unknown_limit: no worker of this queue defines the limit ${demands.unknown}`;
      turnAway(held, delayForDeploy(held.delivery, reason, judging));
      return undefined;
    }
    const token = this.#tokenPrefix + (++this.#tokens).toString(36);
    // A waiter is made ready by its name in line: the broker finds it in its lane only.
    return { token, queue: laneOf(held.delivery), id, demands };
  }

  async #ask(served: ServedQueue, asking: readonly Asking[]): Promise<void> {
    const { desk, handOver, onChange, clock } = this.#options;
    this.#asking += asking.length;
    const liveSince = clock.monotonic();
    const refusals = await desk.acquire(asking.map(({ request }) => request));
    this.#asking -= asking.length;
    const admitted: Delivery[] = [];
    let startBy = Number.POSITIVE_INFINITY;
    for (const [index, { held, request }] of asking.entries()) {
      const refusal = refusals === undefined ? AWAY : refusals[index];
      if (refusal !== undefined) {
        if (held.isOurs) this.#delay(held, refusal);
        continue;
      }
      if (hasSlots(request)) {
        this.#passes.set(held.delivery, { request, liveSince });
        startBy = this.#startBy(liveSince);
      }
      if (held.isOurs) {
        served.leases.drop(held);
        admitted.push(held.delivery);
      } else this.ended(held.delivery, 0);
    }
    if (admitted.length > 0) handOver(served, admitted, startBy);
    onChange();
    if (this.#asking === 0) for (const resolve of this.#answered.splice(0)) resolve();
  }

  /** Slots are renewed three times in a lease: one that is older may lapse before that, or has lapsed. */
  #startBy(liveSince: number): number {
    return liveSince + this.#options.leaseMs / 2;
  }

  #delay(held: HeldDelivery, { waitMs, limit }: Partial<Refusal>): void {
    const { judging, turnAway } = this.#options;
    const { envelope } = held.delivery;
    const dueAt = judging.now() + (waitMs ?? AWAY_MS);
    // A message that expires before is removed at its time.
    const notBefore = envelope.expiresAt === undefined ? dueAt : Math.min(dueAt, envelope.expiresAt);
    const headers = limit === undefined ? envelope.headers : { ...envelope.headers, [LIMITED_BY_HEADER]: limit };
    turnAway(held, { kind: 'retry', delivery: held.delivery, replacement: { ...envelope, headers, notBefore } });
  }
}

/** The refusal while the store is unreachable. */
const AWAY: Partial<Refusal> = {};

function isLimited({ envelope }: Delivery): boolean {
  return envelope.headers[LIMIT_HEADER] !== undefined;
}

function isDemandOf(name: string): (demand: LimitDemand) => boolean {
  return ({ limit }) => limit === name;
}

/** Slots come first in a list of demands. */
function hasSlots({ demands }: PermitRequest): boolean {
  return demands[0]?.rule.kind === 'concurrency';
}

function permitsOf({ request: { token, demands } }: Pass): readonly Permit[] {
  return demands.flatMap(({ limit, key, rule }) => (rule.kind === 'concurrency' ? [{ limit, key, token }] : []));
}
