import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { LimitDemand, LimitStore, PermitRequest, ReleasedPermit } from '../../broker/limit-store.ts';

export const LEASE_MS = 60_000;

let numbers = 0;

/** A request of a new message under a new token. */
export function request(
  demands: LimitDemand | readonly LimitDemand[],
  given: Partial<PermitRequest> = {},
): PermitRequest {
  const number = ++numbers;
  return {
    token: `t-${number}`,
    queue: 'q',
    id: `m-${number}`,
    demands: Array.isArray(demands) ? demands : [demands as LimitDemand],
    ...given,
  };
}

/** The next delivery of a message that was refused. */
export function again(before: PermitRequest): PermitRequest {
  return { ...before, token: `t-${++numbers}` };
}

export function slots(count: number, key = ''): LimitDemand {
  return { limit: `slots-${randomUUID()}`, key, rule: { kind: 'concurrency', slots: count } };
}

export function rate(intervalMs: number, burst: number, key = ''): LimitDemand {
  return { limit: `rate-${randomUUID()}`, key, rule: { kind: 'rate', intervalMs, burst } };
}

/** @returns for each request how long to wait; 0 if it was granted */
export async function ask(
  store: LimitStore,
  requests: readonly PermitRequest[],
  leaseMs = LEASE_MS,
): Promise<number[]> {
  const { refusals } = await store.acquire(requests, { leaseMs, promotes: true });
  assert.equal(refusals.length, requests.length);
  for (const refusal of refusals) assert(refusal === undefined || refusal.waitMs > 0, 'a wait must be above 0');
  return refusals.map((refusal) => refusal?.waitMs ?? 0);
}

/** The slots of a request, to be given back. */
export function permitsOf({ demands, token }: PermitRequest, ranMs = 0): readonly ReleasedPermit[] {
  return demands.flatMap(({ limit, key, rule }) =>
    rule.kind === 'concurrency' ? [{ limit, key, token, slots: rule.slots, ranMs }] : [],
  );
}

export async function free(store: LimitStore, request: PermitRequest, ranMs = 0): Promise<readonly string[]> {
  return (await store.release(permitsOf(request, ranMs), { promotes: true })).map(({ id }) => id);
}

export async function heldOf(store: LimitStore, { limit, key }: LimitDemand): Promise<number | undefined> {
  return (await store.usage()).find((each) => each.limit === limit && each.key === key)?.held;
}
