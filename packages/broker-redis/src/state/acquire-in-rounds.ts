import type { Acquired, LimitLine, PermitRequest, Refusal, ReleasedPermit, Waiter } from '@brokkr/core/adapter';
import type { Keys } from '../keys.ts';
import { keepSlots, passStarts } from '../scripts/refused-elsewhere.ts';
import type { Script } from '../scripts/script.ts';
import { NumberedKeys } from './numbered-keys.ts';

export interface KeepingRefusal extends Refusal {
  /** Whether the message keeps the slots that other limits have granted. */
  readonly keepsSlots: boolean;
}

export interface Answered {
  readonly refusals: readonly (KeepingRefusal | undefined)[];
  readonly next: readonly Waiter[];
}

export interface Rounds {
  /** Asks for the permits of one key. */
  readonly ask: (requests: readonly PermitRequest[]) => Promise<Answered>;
  readonly release: (permits: readonly ReleasedPermit[]) => Promise<readonly Waiter[]>;
  readonly call: (lines: readonly LimitLine[]) => Promise<readonly Waiter[]>;
  readonly run: (script: Script, keys: NumberedKeys, args: readonly string[]) => Promise<unknown>;
  readonly keys: Keys;
}

/** A request, and its answer. */
interface Asked {
  readonly request: PermitRequest;
  refusal: KeepingRefusal | undefined;
  /** Which demand was refused. */
  by: number;
}

/**
 * Asks for permits on a cluster: one demand of each request a round, key by key. Then each refused message gives back what it
 * got before, and leaves other lines or keeps its place, as in `acquirePermits`. One thing differs: a message that goes from
 * one line of slots to another goes to its end.
 */
export async function acquireInRounds(requests: readonly PermitRequest[], rounds: Rounds): Promise<Acquired> {
  const all = requests.map((request): Asked => ({ request, refusal: undefined, by: 0 }));
  const next: Waiter[] = [];
  const most = Math.max(...requests.map(({ demands }) => demands.length));
  for (let round = 0; round < most; round++) {
    const byKey = new Map<string, Asked[]>();
    for (const each of all) {
      const demand = each.request.demands[round];
      if (demand === undefined || each.refusal !== undefined) continue;
      const key = rounds.keys.limit(demand.limit, demand.key);
      byKey.set(key, [...(byKey.get(key) ?? []), each]);
    }
    const parts = [...byKey.values()].map((asked) => askIn(round, asked, rounds));
    next.push(...(await Promise.all(parts)).flat());
  }
  next.push(...(await Promise.all(all.map((each) => giveUp(each, rounds)))).flat());
  return { refusals: all.map(({ refusal }) => refusal), next };
}

async function askIn(round: number, asked: readonly Asked[], rounds: Rounds): Promise<readonly Waiter[]> {
  const singles = asked.map(({ request }) => ({
    ...request,
    demands: request.demands.slice(round, round + 1),
  }));
  const { refusals, next } = await rounds.ask(singles);
  for (const [at, each] of asked.entries()) {
    each.refusal = refusals[at];
    each.by = round;
  }
  return next;
}

/** @returns the messages that are next in line for what a refused message had */
async function giveUp({ request, refusal, by }: Asked, rounds: Rounds): Promise<readonly Waiter[]> {
  if (refusal === undefined) return [];
  const { token, queue, id, demands } = request;
  const waiter = `${queue} ${id}`;
  const isByRate = demands[by]?.rule.kind === 'rate';
  const next = demands.map(async (demand, at): Promise<readonly Waiter[]> => {
    if (at === by) return [];
    const { limit, key, rule } = demand;
    const keys = new NumberedKeys(rounds.keys);
    const number = keys.numberOf(limit, key);
    if (rule.kind === 'rate') {
      const keepsStart = isByRate && refusal.waitMs <= Math.ceil(rule.intervalMs);
      const flags = [at < by, keepsStart].map((flag) => (flag ? '1' : '0'));
      const args = [number, String(rule.intervalMs), String(rule.burst), ...flags, waiter];
      await rounds.run(passStarts, keys, args);
      return [];
    }
    const freed = { limit, key, slots: rule.slots, ranMs: 0 };
    if (at > by) {
      // A slot that was kept for the message is held under its name.
      const next = await rounds.release([{ ...freed, token: waiter }]);
      return [...next, ...(await rounds.call([{ ...demand, gone: [{ queue, id }] }]))];
    }
    if (!refusal.keepsSlots) return await rounds.release([{ ...freed, token }]);
    await rounds.run(keepSlots, keys, [number, token, String(refusal.waitMs), waiter]);
    return [];
  });
  return (await Promise.all(next)).flat();
}
