import { seededRandom } from '../support/seeded-random.ts';

/** The outcome of a handler in one attempt. */
export type Outcome = 'succeed' | 'throw' | 'permanent' | 'later' | 'hang';

export interface Attempt {
  readonly outcome: Outcome;
  readonly ms: number;
  /** The value that `throw` throws: a handler may throw any value. */
  readonly thrown: unknown;
}

/** The world of one seed. In some worlds, whole classes of faults are off (swarm testing). */
export interface SimPlan {
  readonly seed: number;
  readonly workers: number;
  readonly concurrency: number;
  readonly jobs: number;
  readonly latencyMs: number;
  /** Shares of calls. */
  readonly droppedRequests: number;
  readonly droppedReplies: number;
  readonly duplicatedRequests: number;
  /** A claim whose answer was lost is not repeated: its messages are delivered again when their leases expire. */
  readonly orphanedClaims: boolean;
  readonly pauses: boolean;
  readonly kills: boolean;
  readonly stops: boolean;
  readonly slowHandlers: boolean;
  readonly hostileOutcomes: boolean;
  readonly delays: boolean;
  readonly expiries: boolean;
  /** Another process cancels some jobs, which wait or run. */
  readonly cancels: boolean;
  /** Results are in a store of their own: the broker does not store them with settlements. */
  readonly separateResults: boolean;
}

export const TIMEOUT_MS = 20_000;
export const MAX_RETRIES = 3;
export const MAX_CRASHES = 3;
export const RETRY_DELAY_MS = 1_000;
export const LEASE_MS = 5_000;

export function planOf(seed: number): SimPlan {
  const random = seededRandom(seed);
  const upTo = (highest: number) => 1 + Math.floor(random() * highest);
  const sometimes = (share: number) => random() < share;
  const rate = () => (sometimes(0.5) ? 0 : random() * 0.2);
  return {
    seed,
    workers: upTo(3),
    concurrency: upTo(5),
    jobs: upTo(20),
    latencyMs: [1, 20, 300, 1_500][Math.floor(random() * 4)] as number,
    droppedRequests: rate(),
    droppedReplies: rate(),
    duplicatedRequests: rate(),
    orphanedClaims: sometimes(0.3),
    pauses: sometimes(0.4),
    kills: sometimes(0.4),
    stops: sometimes(0.3),
    slowHandlers: sometimes(0.4),
    hostileOutcomes: sometimes(0.5),
    delays: sometimes(0.5),
    expiries: sometimes(0.3),
    separateResults: sometimes(0.5),
    cancels: sometimes(0.3),
  };
}

/** Returns the outcome of an attempt. It depends only on the seed and the job. */
export function attemptOf(plan: SimPlan, n: number, attempt: number): Attempt {
  const random = seededRandom(plan.seed * 7_919 + n * 131 + attempt);
  random();
  const ms = Math.floor(random() * (plan.slowHandlers && random() < 0.3 ? 12_000 : 400));
  const thrown = THROWN[Math.floor(random() * THROWN.length)];
  const drawn = random();
  let outcome: Outcome = 'succeed';
  if (plan.hostileOutcomes) {
    if (drawn < 0.3) outcome = 'throw';
    else if (drawn < 0.36) outcome = 'permanent';
    else if (drawn < 0.42) outcome = 'later';
    else if (drawn < 0.47) outcome = 'hang';
  }
  return { outcome, ms, thrown };
}

const THROWN: readonly unknown[] = [
  new Error('failed'),
  undefined,
  null,
  Symbol('thrown'),
  'a string',
  Object.create(null),
  Object.defineProperty(new Error('x'), 'message', {
    get() {
      throw new Error('a getter that throws');
    },
  }),
  revokedProxy(),
];

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
