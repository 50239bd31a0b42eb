import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { eachOnFreshServer, type FaultBench, figures, LEASE_MS, until } from './fault-bench.ts';
import type { FaultBroker } from './fault-server.ts';
import { mostAtOnce, type Note } from './notes.ts';

/** Timeout of the task `stuck`, milliseconds. */
const STUCK_TIMEOUT_MS = 6_000;
/** The longest wait of a message for a slot that has lapsed: it is not called, and asks by itself. */
const LINE_MS = 5_000;
const SLACK_MS = 3_000;

/**
 * Handlers that hold the only slot of their queue, and block the event loop of their worker.
 * @param storeUrl of the store that counts the slots, if the broker cannot
 */
export function blockedLimitCases(broker: FaultBroker, storeUrl?: () => string): void {
  let bench: FaultBench;

  eachOnFreshServer(broker, (opened) => {
    bench = opened;
  });

  function worker(): ChildProcess {
    const store = storeUrl?.();
    return bench.worker({
      concurrency: 5,
      env: { LIMITED: 'true', ...(store !== undefined && { TASK_STORE_URL: store }) },
    });
  }

  /** Two workers: the loop of one is blocked by a job that holds the slot, and the other one receives more jobs. */
  async function blocked(ms: number, task = 'spin') {
    const workers = [worker(), worker()] as const;
    const haveBothRun = async () => {
      await bench.send(1, 0);
      return workers.every((each) => of(each).some(({ what }) => what === 'S'));
    };
    await until(haveBothRun, 15_000, 'both workers run messages');
    await until(
      () => bench.notes().filter(({ what }) => what === 'E').length === bench.sent,
      30_000,
      'they have ended',
    );
    const job = bench.sent;
    await bench.send(1, ms, task);
    const isIn = ({ pid }: ChildProcess) => bench.inFlight(pid).includes(job);
    await until(() => workers.some(isIn), 15_000, 'the handler blocks');
    const blockedAt = Date.now();
    const [blocking, other] = isIn(workers[0]) ? workers : workers.toReversed();
    if (blocking === undefined || other === undefined) throw new Error('there are two workers');
    await bench.send(8, 50);
    const received = () => of(other).filter(({ what, at }) => what === 'claim' && at >= blockedAt).length;
    await until(() => received() >= 3, 5_000, 'the other worker receives messages');
    return {
      blocking,
      other,
      blockedAt,
      startsOfOther: () => of(other).filter(({ what, at }) => what === 'S' && at >= blockedAt),
    };
  }

  function of({ pid }: ChildProcess): readonly Note[] {
    return bench.notes().filter((note) => note.pid === pid);
  }

  async function report(fault: string, more: Readonly<Record<string, number>> = {}): Promise<void> {
    figures(fault, { lost: await bench.lost(), ...more });
  }

  describe(`${broker.name} and a handler that blocks the event loop with the only slot of a limit`, () => {
    it('for five leases: no other message of the limit starts in this time', async () => {
      const { other, blockedAt } = await blocked(5 * LEASE_MS);
      await bench.drained(60_000);
      const meanwhile = bench.notes().filter(({ at }) => at < blockedAt + 4 * LEASE_MS);
      const refused = meanwhile.filter(({ what, pid }) => what === 'retry' && pid === other.pid).length;
      const most = mostAtOnce(bench.notes());
      await report('loop blocked for 5 leases, limit of 1', {
        'most at once': most,
        'extra starts': bench.extraStarts(),
        'refused in this time': refused,
      });
      expect([most, bench.extraStarts()]).toEqual([1, 0]);
      expect(refused).toBeGreaterThanOrEqual(3);
    }, 90_000);

    it('and whose worker is killed then: the slot is free within a lease', async () => {
      const { blocking, startsOfOther } = await blocked(60_000);
      await sleep(3 * LEASE_MS);
      expect(startsOfOther()).toEqual([]);
      const gone = once(blocking, 'exit');
      blocking.kill('SIGKILL');
      await gone;
      const killedAt = Date.now();
      await until(() => startsOfOther().length > 0, 30_000, 'the slot is given to another message');
      const freeMs = (startsOfOther()[0]?.at ?? Number.NaN) - killedAt;
      await bench.drained(60_000);
      await report('kill -9 of a blocked worker, limit of 1', { 'slot free after ms': freeMs });
      expect(freeMs).toBeLessThanOrEqual(LEASE_MS + LINE_MS + SLACK_MS);
    }, 90_000);

    it('and whose worker is stopped then: the slot is free within a lease', async () => {
      const { blocking, startsOfOther } = await blocked(4 * LEASE_MS);
      await sleep(2 * LEASE_MS);
      expect(startsOfOther()).toEqual([]);
      blocking.kill('SIGSTOP');
      const stoppedAt = Date.now();
      await until(() => startsOfOther().length > 0, 30_000, 'the slot is given to another message');
      const freeMs = (startsOfOther()[0]?.at ?? Number.NaN) - stoppedAt;
      blocking.kill('SIGCONT');
      await bench.drained(60_000);
      await report('SIGSTOP of a blocked worker, limit of 1', { 'slot free after ms': freeMs });
      expect(freeMs).toBeLessThanOrEqual(LEASE_MS + LINE_MS + SLACK_MS);
    }, 90_000);

    it('beyond its timeout: the slot is free within a lease', async () => {
      const { blockedAt, startsOfOther } = await blocked(STUCK_TIMEOUT_MS + 8 * LEASE_MS, 'stuck');
      await until(() => startsOfOther().length > 0, 60_000, 'the slot is given to another message');
      const freeMs = (startsOfOther()[0]?.at ?? Number.NaN) - blockedAt;
      await bench.drained(90_000);
      await report('handler stuck beyond its timeout, limit of 1', { 'slot free after ms': freeMs });
      expect(freeMs).toBeGreaterThanOrEqual(STUCK_TIMEOUT_MS - 1_000);
      expect(freeMs).toBeLessThanOrEqual(STUCK_TIMEOUT_MS + LEASE_MS + LINE_MS + SLACK_MS);
    }, 120_000);
  });
}
