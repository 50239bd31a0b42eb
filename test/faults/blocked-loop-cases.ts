import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { eachOnFreshServer, type FaultBench, figures, LEASE_MS, until } from './fault-bench.ts';
import type { FaultBroker } from './fault-server.ts';

/** Timeout of the task `stuck`, milliseconds. */
const STUCK_TIMEOUT_MS = 6_000;
/** From the moment in which a process ends or stops until its messages run elsewhere. */
const SLACK_MS = 3_000;

/** Handlers that block the event loop of a worker, whose thread keeps the leases. */
export function blockedLoopCases(broker: FaultBroker): void {
  let bench: FaultBench;

  eachOnFreshServer(broker, (opened) => {
    bench = opened;
  });

  /** A worker whose loop is blocked by job 4, while it holds jobs 0 to 3; and another worker. */
  async function blocked(ms: number, task = 'spin') {
    const worker = bench.worker({ concurrency: 5 });
    await bench.send(4, 500);
    await bench.send(1, ms, task);
    await until(() => bench.inFlight(worker.pid).includes(4), 15_000, 'the handler blocks');
    const blockedAt = Date.now();
    bench.worker({ concurrency: 5 });
    return { worker, blockedAt };
  }

  async function report(fault: string, more: Readonly<Record<string, number>> = {}): Promise<void> {
    figures(fault, {
      held: 5,
      lost: await bench.lost(),
      'extra starts': bench.extraStarts(),
      'settlements refused': bench.refused(),
      ...more,
    });
  }

  /** Milliseconds from `since` until a job starts again. */
  async function startedAgain(n: number, since: number, boundMs: number): Promise<number> {
    const again = () => bench.notes().find((note) => note.what === 'S' && note.n === n && note.at > since);
    await until(() => again() !== undefined, boundMs, `job ${n} runs elsewhere`);
    return (again()?.at ?? Number.NaN) - since;
  }

  /** Lets a worker that lost its messages come to its end: what it settles late is noted. */
  async function outlived(worker: ChildProcess): Promise<void> {
    const hasEnded = () => bench.notes().some(({ what, n, pid }) => what === 'E' && n === 4 && pid === worker.pid);
    await until(hasEnded, 60_000, 'the handler that blocked ends');
    const gone = once(worker, 'exit');
    worker.kill('SIGTERM');
    await gone;
  }

  describe(`${broker.name} and a handler that blocks the event loop`, () => {
    it('for five leases: everything that the worker holds runs once', async () => {
      await blocked(5 * LEASE_MS);
      await bench.drained(60_000);
      await report('loop blocked for 5 leases, lease thread');
      expect([bench.extraStarts(), bench.refused()]).toEqual([0, 0]);
    }, 90_000);

    it('and whose worker is killed then: its messages run elsewhere within a lease', async () => {
      const { worker } = await blocked(60_000);
      await sleep(3 * LEASE_MS);
      expect(bench.extraStarts()).toBe(0);
      const gone = once(worker, 'exit');
      worker.kill('SIGKILL');
      const killedAt = Date.now();
      await gone;
      const recoveredMs = await startedAgain(4, killedAt, 30_000);
      await bench.drained(60_000);
      await report('kill -9 of a blocked worker, lease thread', { 'recovered after ms': recoveredMs });
      expect(recoveredMs).toBeLessThanOrEqual(broker.recoveryMs(LEASE_MS) + SLACK_MS);
      expect(bench.extraStarts()).toBe(5);
    }, 90_000);

    it('and whose worker is stopped then: its messages run elsewhere, and nothing is settled twice', async () => {
      const { worker } = await blocked(4 * LEASE_MS);
      await sleep(2 * LEASE_MS);
      expect(bench.extraStarts()).toBe(0);
      worker.kill('SIGSTOP');
      const stoppedAt = Date.now();
      const recoveredMs = await startedAgain(4, stoppedAt, 30_000);
      worker.kill('SIGCONT');
      await outlived(worker);
      await bench.drained(60_000);
      await report('SIGSTOP of a blocked worker, lease thread', { 'recovered after ms': recoveredMs });
      expect(bench.extraStarts()).toBe(5);
    }, 90_000);

    it('beyond its timeout: its messages run elsewhere, and nothing is settled twice', async () => {
      const { worker, blockedAt } = await blocked(STUCK_TIMEOUT_MS + 6 * LEASE_MS, 'stuck');
      const recoveredMs = await startedAgain(4, blockedAt, 60_000);
      await outlived(worker);
      await bench.drained(90_000);
      await report('handler stuck beyond its timeout, lease thread', { 'recovered after ms': recoveredMs });
      expect(recoveredMs).toBeGreaterThanOrEqual(STUCK_TIMEOUT_MS - 1_000);
      expect(bench.extraStarts()).toBe(5);
    }, 150_000);
  });
}
