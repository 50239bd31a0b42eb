import {
  type Acquired,
  type AcquireOptions,
  type Called,
  type LimitDemand,
  type LimitLine,
  type LimitRule,
  type LimitStore,
  type LimitUsage,
  PAGE_LIMIT,
  type Permit,
  type PermitRequest,
  type ReleasedPermit,
  SLOT_LOOK_MS,
  type Waiter,
} from '@brokkr/core/adapter';
import { batches } from '../batches.ts';
import { isCluster } from '../connection/connect.ts';
import type { HeldPermits } from '../lease-thread/held-permits.ts';
import type { LeaseThread } from '../lease-thread/lease-thread.ts';
import type { QueueCalls } from '../queue-calls.ts';
import { acquirePermits } from '../scripts/acquire-permits.ts';
import { callWaiters, readLimit, releasePermits, renewPermits, rescheduleLimit, stopLimit } from '../scripts/limits.ts';
import type { Script } from '../scripts/script.ts';
import { type Answered, acquireInRounds, type KeepingRefusal } from './acquire-in-rounds.ts';
import { DueCalls } from './due-calls.ts';
import { type LimitName, LimitNames } from './limit-names.ts';
import { NumberedKeys } from './numbered-keys.ts';
import { releasedArgs } from './released-args.ts';

/** Most requests, and most permits that are given back, of one call: Redis serves other clients between two calls. */
const AT_ONCE = 100;

/**
 * Permits in sorted sets by the server's clock. The keys of one limit key have a hash tag of their own: on a cluster each
 * is asked by itself, and a message with several limits asks for one after the other.
 */
export class RedisLimits implements LimitStore {
  readonly #calls: QueueCalls;
  readonly #names: LimitNames;
  readonly #due: DueCalls;
  readonly #isCluster: () => boolean;
  readonly #leaseThread: (leaseMs: number) => LeaseThread | undefined;
  /** The slots that a thread renews during a block; left out until the first run holds one. */
  #held: HeldPermits | undefined;

  /** @param leaseThread starts the thread, if it does not run yet; returns `undefined` if it cannot be started */
  constructor(calls: QueueCalls, leaseThread: (leaseMs: number) => LeaseThread | undefined) {
    this.#calls = calls;
    this.#leaseThread = leaseThread;
    this.#names = new LimitNames(calls);
    this.#due = new DueCalls(calls);
    this.#isCluster = () => isCluster(calls.client);
  }

  async acquire(requests: readonly PermitRequest[], options: AcquireOptions): Promise<Acquired> {
    const { returned = [], ...asking } = options;
    if (requests.length === 0) return { refusals: [], next: await this.release(returned, options) };
    if (this.#isCluster()) {
      // The permits are given back before the first request is sent: both use one connection, in order.
      const given = this.release(returned, options);
      const { refusals, next } = await acquireInRounds(requests, {
        ask: async (all) => {
          const answers = await Promise.all(batches(all, AT_ONCE).map((part) => this.#ask(part, asking)));
          return {
            refusals: answers.flatMap(({ refusals }) => refusals),
            next: answers.flatMap(({ next }) => next),
          };
        },
        release: (permits) => this.release(permits, options),
        call: (lines) => this.call(lines).then(({ next }) => next),
        run: (script, keys, args) => this.#calls.runAt(script, keys.names(), args),
        keys: this.#calls.keys,
      });
      return { refusals, next: [...(await given), ...next] };
    }
    const parts = batches(requests, AT_ONCE);
    const [first, ...more] = batches(returned, AT_ONCE);
    const given = Promise.all(more.map((part) => this.release(part, options)));
    const answers = await Promise.all(parts.map((part, at) => this.#ask(part, asking, at === 0 ? first : undefined)));
    return {
      refusals: answers.flatMap(({ refusals }) => refusals),
      next: [...(await given).flat(), ...answers.flatMap(({ next }) => next)],
    };
  }

  async renew(permits: readonly Permit[], leaseMs: number): Promise<void> {
    await this.#byKey(permits, (part, keys) => {
      const args = part.flatMap(({ limit, key, token }) => [keys.numberOf(limit, key), token]);
      return [renewPermits, [String(leaseMs), ...args]];
    });
  }

  guard(
    request: PermitRequest | undefined,
    { until, leaseMs }: { readonly until: number; readonly leaseMs: number },
  ): void {
    if (until <= 0) {
      if (request !== undefined) this.#held?.lost(request);
      return;
    }
    if (request !== undefined) this.#held ??= this.#leaseThread(leaseMs)?.permits;
    this.#held?.runs(request, until, leaseMs, this.#calls.keys);
  }

  async release(
    permits: readonly ReleasedPermit[],
    { promotes }: { readonly promotes: boolean },
  ): Promise<readonly Waiter[]> {
    this.#held?.ended(permits);
    const answers = await this.#byKey(permits, (part, keys) => {
      return [releasePermits, [promotes ? '1' : '0', ...releasedArgs(part, keys)]];
    });
    return answers.flatMap((answer) => (answer as readonly Buffer[]).flatMap(waitersOf));
  }

  async call(lines: readonly LimitLine[]): Promise<Called> {
    const parts = this.#isCluster() ? lines.map((line) => [line]) : batches(lines, AT_ONCE);
    const answers = await Promise.all(
      parts.map((part) => {
        const keys = this.#keys();
        const args = part.flatMap((line) => lineArgs(line, keys));
        return this.#calls.runAt(callWaiters, keys.names(), args);
      }),
    );
    const named = answers as unknown as readonly (readonly [Buffer[], number[]])[];
    const againMs = named.flatMap(([, again]) => again.map((ms) => (ms < 0 ? undefined : ms)));
    for (const [index, { limit, key }] of lines.entries()) this.#due.called(limit, key, againMs[index]);
    return { next: named.flatMap(([next]) => next.flatMap(waitersOf)), againMs };
  }

  /** Never rejects. */
  close(): Promise<void> {
    return this.#due.close();
  }

  waiting(which: 'all' | 'overdue'): Promise<readonly LimitName[]> {
    return this.#due.read(which);
  }

  async hold(limit: string, key: string, ms: number): Promise<void> {
    this.#names.note(limit, key);
    await this.#calls.runAt(stopLimit, this.#calls.keys.limit(limit, key), [String(Math.ceil(ms))]);
  }

  async usage(): Promise<readonly LimitUsage[]> {
    const names = await this.#names.last(PAGE_LIMIT);
    return Promise.all(
      names.map(async ({ limit, key }) => {
        const answer = await this.#calls.runAt(readLimit, this.#calls.keys.limit(limit, key), []);
        const [held, waiting, pausedMs] = answer as readonly [number, number, number];
        return { limit, key, held, waiting, pausedMs };
      }),
    );
  }

  async reschedule(limit: string, rule?: LimitRule): Promise<readonly Waiter[]> {
    const burstMs = rule?.kind === 'rate' ? [String(rule.intervalMs * rule.burst)] : [];
    const taken: Waiter[] = [];
    for (const name of await this.#names.all()) {
      if (name.limit !== limit) continue;
      const args = [String(PAGE_LIMIT - taken.length), ...burstMs];
      const answer = await this.#calls.runAt(rescheduleLimit, this.#calls.keys.limit(limit, name.key), args);
      taken.push(...(answer as readonly Buffer[]).flatMap(waitersOf));
      if (taken.length >= PAGE_LIMIT) break;
    }
    return taken;
  }

  /** One call for all keys of these requests, and of the permits that are given back before. */
  async #ask(
    requests: readonly PermitRequest[],
    { leaseMs, promotes }: AcquireOptions,
    returned: readonly ReleasedPermit[] = [],
  ): Promise<Answered> {
    this.#held?.ended(returned);
    const keys = this.#keys();
    const isCluster = this.#isCluster();
    const args = [String(leaseMs), promotes ? '1' : '0', ...releasedArgs(returned, keys)];
    for (let from = 0, to = 0; from < requests.length; from = to) {
      const { queue, demands } = requests[from] as PermitRequest;
      // Messages of one fetch mostly need the same, and the engine passes them the same list.
      while (requests[to]?.demands === demands && requests[to]?.queue === queue) to++;
      args.push(queue, String(demands.length));
      // On a cluster, a rate of the message may be on another node.
      const mayBeKept = isCluster || demands.at(-1)?.rule.kind === 'rate';
      for (const { limit, key, rule } of demands) {
        this.#names.note(limit, key);
        const [kind, ...numbers] = ruleArgs(rule);
        args.push(keys.numberOf(limit, key), mayBeKept && kind === 's' ? 'k' : kind, ...numbers);
      }
      args.push(String(to - from));
      for (let at = from; at < to; at++) {
        const { token, id } = requests[at] as PermitRequest;
        args.push(token, id);
      }
    }
    const answer = await this.#calls.runAt(acquirePermits, keys.names(), args);
    const [refused, next] = answer as unknown as readonly [number[], Buffer[]];
    const refusals: (KeepingRefusal | undefined)[] = requests.map(() => undefined);
    for (let at = 0; at < refused.length; at += 4) {
      const [number, waitMs, by, keepsSlots] = refused.slice(at, at + 4) as [number, number, number, 0 | 1];
      const { limit, key, rule } = (requests[number - 1] as PermitRequest).demands[by - 1] as LimitDemand;
      refusals[number - 1] = { waitMs, limit, key, keepsSlots: keepsSlots === 1 };
      if (promotes) this.#due.refused(limit, key, rule.kind === 'rate' ? waitMs : SLOT_LOOK_MS);
    }
    return { refusals, next: next.flatMap(waitersOf) };
  }

  /** Calls a script for these permits: once, or on a cluster for each key. */
  async #byKey<P extends Permit>(
    permits: readonly P[],
    callOf: (part: readonly P[], keys: NumberedKeys) => readonly [Script, readonly string[]],
  ): Promise<readonly unknown[]> {
    const groups = this.#isCluster() ? this.#groups(permits) : [permits];
    return Promise.all(
      groups
        .flatMap((group) => batches(group))
        .map((part) => {
          const keys = this.#keys();
          const [script, args] = callOf(part, keys);
          return this.#calls.runAt(script, keys.names(), args);
        }),
    );
  }

  #groups<P extends Permit>(permits: readonly P[]): readonly (readonly P[])[] {
    const groups = new Map<string, P[]>();
    for (const permit of permits) {
      const key = this.#calls.keys.limit(permit.limit, permit.key);
      groups.set(key, [...(groups.get(key) ?? []), permit]);
    }
    return [...groups.values()];
  }

  #keys(): NumberedKeys {
    return new NumberedKeys(this.#calls.keys);
  }
}

function ruleArgs(rule: LimitRule): readonly ['s' | 'r', string, string] {
  if (rule.kind === 'concurrency') return ['s', String(rule.slots), ''];
  return ['r', String(rule.intervalMs), String(rule.burst)];
}

function lineArgs(
  { limit, key, rule, gone = [], isNewRule, isEarly }: LimitLine,
  keys: NumberedKeys,
): readonly string[] {
  const names = gone.map(({ queue, id }) => `${queue} ${id}`);
  const flags = [isNewRule, isEarly].map((flag) => (flag === true ? '1' : '0'));
  return [keys.numberOf(limit, key), ...ruleArgs(rule), ...flags, String(names.length), ...names];
}

/** A queue name has no space. A text without one is from another client. @returns at most one waiter */
function waitersOf(text: Buffer): readonly Waiter[] {
  const waiter = String(text);
  const space = waiter.indexOf(' ');
  return space > 0 ? [{ queue: waiter.slice(0, space), id: waiter.slice(space + 1) }] : [];
}
