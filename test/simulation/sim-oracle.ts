import type { Delivery, QueueCounts, Settlement } from '@brokkr/core/adapter';
import { MAX_CRASHES, MAX_RETRIES, type Outcome, RETRY_DELAY_MS, type SimPlan } from './sim-plan.ts';

/** Added to the number of a job for each message after its first, so that a trace shows which one it means. */
const SENT_AGAIN = 1_000;

/** The state of one message, as an observer at the server sees it. */
interface Job {
  /** `cancelled` while it ran, or `removed` while it waited. */
  state: 'unsent' | 'live' | 'acknowledged' | 'dead' | 'expired' | 'cancelled' | 'removed';
  confirmed: boolean;
  claims: number;
  /** Settlements that took effect. */
  settled: number;
  fence: number;
  notBefore: number;
  /** Fences whose settlement took effect, with their workers. */
  readonly accepted: Map<number, string>;
  readonly ended: Map<number, number>;
  /** Planned outcome of each delivery. */
  readonly outcomes: Map<number, Outcome>;
  /** Deliveries to each worker. */
  readonly heldBy: Map<string, number>;
  /** Fences of the runs that each worker has started. */
  readonly startedBy: Map<string, Set<number>>;
  /** Fences of runs that their worker has cancelled. */
  readonly cancelled: Set<number>;
  /** The result that came with an accepted settlement: no other may take its place. */
  result: unknown;
}

/** A run of a handler, at its start. */
export interface SimRun {
  readonly id: string;
  readonly fence: number;
  readonly crashes: number;
  readonly expiresAt: number | undefined;
  readonly outcome: Outcome;
}

interface Running {
  readonly n: number;
  readonly isSuspect: boolean;
}

/** Observes the server, compares every call with the contract, and throws at the first violation. */
export class SimOracle {
  readonly trace: string[] = [];
  readonly #plan: SimPlan;
  readonly #now: () => number;
  readonly #jobs = new Map<number, Job>();
  readonly #running = new Map<string, Map<string, Running>>();
  /** Numbers of the messages by id: ids differ in each run of a seed. A job whose key was freed may be sent again. */
  readonly #ids = new Map<string, number>();
  /** The last message of each job. */
  readonly #latest = new Map<number, number>();
  /** Accepted settlements of each worker, by kind. */
  readonly #accepted = new Map<string, Map<Settlement['kind'], number>>();
  #hash = 0x811c9dc5;

  constructor(plan: SimPlan, now: () => number) {
    this.#plan = plan;
    this.#now = now;
  }

  /** Hash of all events, in order. */
  get hash(): number {
    return this.#hash;
  }

  note(line: string): void {
    const noted = `${this.#now()} ${line}`;
    this.trace.push(noted);
    for (let at = 0; at < noted.length; at++)
      this.#hash = Math.imul(this.#hash ^ noted.charCodeAt(at), 0x01000193) >>> 0;
  }

  /** The server stores a message, unless it has stored it before, or another one with the key of job `n` is stored. */
  published(id: string, n: number, notBefore: number): void {
    const before = this.#latest.get(n);
    // A key is freed when its message expired or was cancelled.
    if (
      this.#ids.has(id) ||
      (before !== undefined && !['expired', 'cancelled', 'removed'].includes(this.#job(before).state))
    )
      return;
    const number = before === undefined ? n : before + SENT_AGAIN;
    this.#ids.set(id, number);
    this.#latest.set(n, number);
    this.note(`published ${number}`);
    const job = this.#job(number);
    job.state = 'live';
    job.notBefore = notBefore;
  }

  confirmed(id: string): void {
    const n = this.#numberOf(id);
    this.note(`confirmed ${n}`);
    this.#demand(this.#job(n).state !== 'unsent', `job ${n} was confirmed and is not stored`);
    this.#job(n).confirmed = true;
  }

  claimed(delivery: Delivery, by: string): void {
    const n = this.#numberOf(delivery.envelope.id);
    const job = this.#job(n);
    this.note(`claim ${n} fence ${delivery.fence} by ${by}`);
    this.#demand(job.state === 'live', `job ${n} was handed over although it is ${job.state}`);
    this.#demand(delivery.fence > job.fence, `I8: fence ${delivery.fence} of job ${n} after ${job.fence}`);
    this.#demand(this.#now() >= job.notBefore, `I10: job ${n} was handed over ${job.notBefore - this.#now()} ms early`);
    const crashes = job.claims - job.settled;
    this.#demand(
      delivery.crashes === crashes,
      `job ${n} has crashed ${crashes} times, and is said to have ${delivery.crashes}`,
    );
    job.claims++;
    job.fence = delivery.fence;
    job.heldBy.set(by, (job.heldBy.get(by) ?? 0) + 1);
  }

  /** A worker answers that it has cancelled its run of a message. */
  cancelling(id: string, by: string): void {
    const n = this.#numberOf(id);
    this.note(`cancelling ${n} by ${by}`);
    const job = this.#job(n);
    const fences = [...(job.startedBy.get(by) ?? [])];
    this.#demand(fences.length > 0, `${by} has cancelled a run of job ${n}, which it never started`);
    for (const fence of fences) if (!job.accepted.has(fence)) job.cancelled.add(fence);
  }

  /** The server has removed a message that waited, because another process cancelled it. */
  removed(id: string): void {
    const n = this.#numberOf(id);
    this.note(`removed ${n}`);
    const job = this.#job(n);
    this.#demand(job.state === 'live', `job ${n} was removed although it is ${job.state}`);
    job.state = 'removed';
  }

  started({ id, fence, crashes, expiresAt, outcome }: SimRun, by: string, concurrency: number): void {
    const n = this.#numberOf(id);
    this.note(`start ${n} fence ${fence} by ${by}`);
    const { outcomes, startedBy } = this.#job(n);
    outcomes.set(fence, outcome);
    startedBy.set(by, (startedBy.get(by) ?? new Set()).add(fence));
    this.#demand(expiresAt === undefined || expiresAt > this.#now(), `job ${n} had expired and was started`);
    const beside = this.#runningBy(by);
    const isSuspect = crashes >= 2;
    this.#demand(beside.size < concurrency, `${by} runs ${beside.size + 1} at once`);
    this.#demand(
      beside.size === 0 || (!isSuspect && ![...beside.values()].some((other) => other.isSuspect)),
      `a suspect and job ${n} run side by side`,
    );
    beside.set(`${n} ${fence}`, { n, isSuspect });
  }

  /** The handler has ended, or was aborted. */
  left(id: string, fence: number, by: string): void {
    const n = this.#numberOf(id);
    this.#runningBy(by).delete(`${n} ${fence}`);
  }

  ended(id: string, fence: number, by: string): void {
    const n = this.#numberOf(id);
    this.note(`end ${n} fence ${fence} by ${by}`);
    this.left(id, fence, by);
    this.#job(n).ended.set(fence, this.#now());
  }

  settled(settlement: Settlement, lost: boolean, by: string): void {
    const { kind, delivery } = settlement;
    const { fence } = delivery;
    const n = this.#numberOf(delivery.envelope.id);
    const job = this.#job(n);
    this.note(`${lost ? 'refused ' : ''}${kind} ${n} fence ${fence} by ${by}`);
    if (lost) return;
    this.#demand(job.state === 'live', `I5: ${kind} of job ${n}, which is ${job.state}`);
    this.#demand(!job.accepted.has(fence), `I5: job ${n} was settled twice with fence ${fence}`);
    this.#demand(fence === job.fence, `I6: job ${n} was settled with fence ${fence}, its last is ${job.fence}`);
    job.accepted.set(fence, by);
    job.settled++;
    const kinds = this.#acceptedOf(by);
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    this.#judge(settlement, job, n);
    if ('result' in settlement && settlement.result !== undefined) this.#result(n, resultIn(settlement.result.bytes));
    else if (!this.#plan.separateResults)
      this.#demand(job.state === 'live', `I16: job ${n} has ended without a result`);
  }

  /**
   * At the end: the metrics of a living worker agree with the settlements that the server accepted from it. An answer
   * that was lost is counted as `unknown` or `lease_lost`.
   */
  counted(by: string, outcome: (name: string) => number, runs: number): void {
    const accepted = (kind: Settlement['kind']) => this.#acceptedOf(by).get(kind) ?? 0;
    const atLeast = outcome('succeeded') + outcome('cancelled');
    const atMost = atLeast + outcome('unknown') + outcome('lease_lost');
    this.#demand(
      atLeast <= accepted('ack') && accepted('ack') <= atMost,
      `${by} counted ${atLeast} to ${atMost} acknowledged jobs, and ${accepted('ack')} were`,
    );
    for (const [name, kind] of [
      ['dead', 'dead-letter'],
      ['expired', 'expire'],
      ['retried', 'retry'],
    ] as const) {
      this.#demand(outcome(name) <= accepted(kind), `${by} counted ${outcome(name)} ${name}, of ${accepted(kind)}`);
    }
    const mostRetried = outcome('retried') + outcome('unknown') + outcome('lease_lost');
    this.#demand(
      accepted('retry') <= mostRetried,
      `${by} counted at most ${mostRetried} of ${accepted('retry')} retries`,
    );
    const ends = ['succeeded', 'retried', 'dead', 'cancelled', 'lease_lost', 'interrupted', 'unknown'].map(outcome);
    const most = ends.reduce((sum, count) => sum + count, 0);
    // Messages can die or lose their lease without a run.
    this.#demand(runs <= most && runs >= atLeast + outcome('retried'), `${by} timed ${runs} runs of ${most} ends`);
  }

  #acceptedOf(by: string): Map<Settlement['kind'], number> {
    const known = this.#accepted.get(by) ?? new Map<Settlement['kind'], number>();
    this.#accepted.set(by, known);
    return known;
  }

  /** A worker stored a result by a separate call. */
  storedResult(id: string, bytes: Uint8Array, by: string): void {
    const n = this.#numberOf(id);
    this.note(`result of ${n} by ${by}`);
    this.#result(n, resultIn(bytes));
  }

  /** At the end: the result is that of the accepted settlement, if it was stored. */
  lastResult(id: string, bytes: Uint8Array | undefined): void {
    const n = this.#numberOf(id);
    const { result, state } = this.#job(n);
    this.#demand(
      result === undefined || (bytes !== undefined && String(resultIn(bytes)) === String(result)),
      `I16: job ${n} is ${state} with result ${result}, and another is stored`,
    );
  }

  /** @param result the fence of the run that succeeded, or `failure` */
  #result(n: number, result: number | 'failure'): void {
    const job = this.#job(n);
    if (result === 'failure') {
      this.#demand(
        ['dead', 'expired', 'cancelled', 'removed'].includes(job.state),
        `I16: the failure of job ${n} is stored, which is ${job.state}`,
      );
      job.result = result;
      return;
    }
    this.#demand(job.ended.has(result), `I16: job ${n} has a result of run ${result}, which has not ended`);
    const isAccepted = job.state === 'acknowledged' && result === job.fence;
    if (isAccepted) job.result = result;
    else this.#demand(job.result === undefined, `I16: the result of job ${n} was replaced by that of run ${result}`);
  }

  /** A worker reports that it lost a message. */
  toldLost(id: string, by: string): void {
    const n = this.#numberOf(id);
    this.note(`told lost ${n} by ${by}`);
    const { accepted, heldBy } = this.#job(n);
    // If a worker had the message more than once, the report does not say which delivery it means.
    const wrong = heldBy.get(by) === 1 && [...accepted.values()].includes(by);
    this.#demand(!wrong, `${by} was told that job ${n} is lost although its settlement took effect`);
  }

  /** Every published message is counted in one state. */
  balanced(counts: QueueCounts): void {
    const { published, ready = 0, delayed = 0, running = 0, dead = 0, acknowledged = 0, expired = 0 } = counts;
    const kept = ready + delayed + running + dead + acknowledged + expired + (counts.cancelled ?? 0);
    this.#demand(published === kept, `I2: ${published} published, ${kept} kept or ended`);
  }

  /** At the end: every confirmed job has exactly one outcome, and the counts of the server agree. */
  finish(counts: QueueCounts): void {
    const ends = { acknowledged: 0, dead: 0, expired: 0, cancelled: 0, removed: 0 };
    let published = 0;
    for (const [n, { state, confirmed }] of this.#jobs) {
      this.#demand(!confirmed || state !== 'unsent', `I1: job ${n} is lost`);
      if (state === 'unsent') continue;
      published++;
      this.#demand(state !== 'live', `I15: job ${n} has come to no end`);
      ends[state as keyof typeof ends]++;
    }
    // The server counts a message as cancelled, whether it waited or ran.
    const seen = [published, ends.acknowledged, ends.dead, ends.expired, ends.cancelled + ends.removed];
    const { acknowledged, dead, expired, cancelled } = counts;
    this.#demand(
      JSON.stringify(seen) === JSON.stringify([counts.published, acknowledged, dead, expired, cancelled]),
      `I2: ${JSON.stringify({ published, ...ends })} seen, ${JSON.stringify(counts)} counted`,
    );
  }

  fail(what: string): never {
    throw new Error(
      `${what}\n  seed ${this.#plan.seed}, ${JSON.stringify(this.#plan)}\n  ${this.trace.slice(-60).join('\n  ')}`,
    );
  }

  #judge(settlement: Settlement, job: Job, n: number): void {
    const { kind, delivery } = settlement;
    const attempt = attemptIn(delivery.envelope.headers);
    const outcome = job.outcomes.get(delivery.fence);
    const endedAt = job.ended.get(delivery.fence);
    const failed = outcome === 'throw' || outcome === 'hang';
    if (job.cancelled.has(delivery.fence)) {
      this.#demand(kind === 'ack', `job ${n} was cancelled while it ran, and settled as ${kind}`);
      job.state = 'cancelled';
      return;
    }
    switch (kind) {
      case 'ack':
        this.#demand(endedAt !== undefined, `I4: job ${n} was acknowledged before its handler ended`);
        this.#demand(outcome === 'succeed', `job ${n} was acknowledged although attempt ${attempt} did not succeed`);
        job.state = 'acknowledged';
        return;
      case 'expire':
        this.#demand((delivery.envelope.expiresAt ?? Infinity) <= this.#now(), `job ${n} expired before its time`);
        job.state = 'expired';
        return;
      case 'release':
        return;
      case 'dead-letter':
        if (settlement.reason.startsWith('crashed')) {
          this.#demand(delivery.crashes >= MAX_CRASHES, `I9: job ${n} died of ${delivery.crashes} crashes`);
        } else {
          this.#demand(
            outcome === 'permanent' || (failed && attempt > MAX_RETRIES),
            `I9: job ${n} is dead after attempt ${attempt}: ${settlement.reason}`,
          );
        }
        job.state = 'dead';
        return;
      case 'retry': {
        const { replacement } = settlement;
        const next = attemptIn(replacement.headers);
        const later = outcome === 'later';
        this.#demand(failed || later, `job ${n} is retried although attempt ${attempt} was to ${outcome}`);
        this.#demand(next === (later ? attempt : attempt + 1), `job ${n}: attempt ${next} after ${attempt}`);
        this.#demand(attempt <= MAX_RETRIES || later, `I9: job ${n} is retried after attempt ${attempt}`);
        const waitMs = later ? RETRY_DELAY_MS : RETRY_DELAY_MS * 2 ** (attempt - 1);
        job.notBefore = replacement.notBefore ?? 0;
        // Messages have whole milliseconds, the clock of the simulation has fractions.
        this.#demand(
          endedAt === undefined || job.notBefore >= Math.floor(endedAt) + waitMs,
          `I10: job ${n} waits less than ${waitMs} ms before attempt ${next}`,
        );
        return;
      }
    }
  }

  #runningBy(worker: string): Map<string, Running> {
    const known = this.#running.get(worker) ?? new Map<string, Running>();
    this.#running.set(worker, known);
    return known;
  }

  /** -1 if the message was never stored. */
  #numberOf(id: string): number {
    return this.#ids.get(id) ?? -1;
  }

  #job(n: number): Job {
    let job = this.#jobs.get(n);
    if (job === undefined) {
      job = {
        state: 'unsent',
        confirmed: false,
        claims: 0,
        settled: 0,
        fence: 0,
        notBefore: 0,
        accepted: new Map(),
        ended: new Map(),
        outcomes: new Map(),
        heldBy: new Map(),
        startedBy: new Map(),
        cancelled: new Set(),
        result: undefined,
      };
      this.#jobs.set(n, job);
    }
    return job;
  }

  #demand(holds: boolean, otherwise: string): void {
    if (!holds) this.fail(otherwise);
  }
}

function attemptIn(headers: Readonly<Record<string, string>>): number {
  return Number(headers['brokkr-attempt'] ?? 1);
}

/** The fence that a handler returned, or `failure`. */
function resultIn(bytes: Uint8Array): number | 'failure' {
  const record = JSON.parse(Buffer.from(bytes).toString()) as { kind: string; value: number };
  return record.kind === 'value' ? record.value : 'failure';
}
