import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FaultBench, figures, LEASE_MS, until } from './fault-bench.ts';
import type { FaultBroker, FaultServer } from './fault-server.ts';

/** Three repeats of each in `npm run test:faults`, a hundred in `npm run test:soak`. */
const REPEATS = Number(process.env.BROKKR_FAILPOINT_REPEATS ?? 3);
const AT_ONCE = 3;
/** Each leaves its own queues behind. */
const SWEEP_EVERY = 15;
/** Enough that some run before the failure and some after. */
const JOBS = 3;

/** A place in a process that fails there, and the cost that it may have: written down before it is measured. */
interface Case {
  readonly point: string;
  readonly action: 'kill9' | 'dropreply';
  readonly nth?: number;
  /** Starts beyond the necessary ones: from, to. */
  readonly extraStarts: readonly [number, number];
  readonly task?: 'job' | 'failing';
  readonly ms?: number;
  /** Whether the process is stopped while it works, and how long it waits then. */
  readonly stops?: { readonly graceMs: number };
}

/**
 * One message in flight, so that the cost of a failure is exact. A claim, a promotion and the return of expired leases
 * are one step each at the server, so no process can fail within them (`reaper.mid-batch`, `promote.mid-batch`).
 */
const CASES: readonly Case[] = [
  { point: 'claim.after-exec-before-reply', action: 'kill9', nth: 2, extraStarts: [0, 0] },
  { point: 'claim.after-exec-before-reply', action: 'dropreply', nth: 2, extraStarts: [0, 0] },
  { point: 'claim.before-handler', action: 'kill9', nth: 2, extraStarts: [0, 0] },
  { point: 'handler.mid', action: 'kill9', nth: 2, extraStarts: [1, 1] },
  { point: 'handler.after-before-settle', action: 'kill9', nth: 2, extraStarts: [1, 1] },
  // The slot is free by then: another message may have started.
  { point: 'ack.after-send', action: 'kill9', nth: 2, extraStarts: [0, 1] },
  { point: 'ack.after-send', action: 'dropreply', nth: 2, extraStarts: [0, 0] },
  { point: 'fail.after-send', action: 'kill9', nth: 2, task: 'failing', extraStarts: [0, 1] },
  { point: 'fail.after-send', action: 'dropreply', nth: 2, task: 'failing', extraStarts: [0, 0] },
  { point: 'heartbeat.before', action: 'kill9', ms: 1_000, extraStarts: [1, 1] },
  { point: 'heartbeat.after-send', action: 'kill9', ms: 1_000, extraStarts: [1, 1] },
  { point: 'heartbeat.after-send', action: 'dropreply', ms: 1_000, extraStarts: [0, 0] },
  { point: 'shutdown.after-stop-claim', action: 'kill9', ms: 1_000, stops: { graceMs: 5_000 }, extraStarts: [1, 1] },
  { point: 'release.after-send', action: 'kill9', ms: 1_000, stops: { graceMs: 200 }, extraStarts: [1, 1] },
  { point: 'release.after-send', action: 'dropreply', ms: 1_000, stops: { graceMs: 200 }, extraStarts: [1, 1] },
];

/** Processes that fail at named places (`BROKKR_FAILPOINTS`), on any broker. */
export function failpointCases(broker: FaultBroker): void {
  let server: FaultServer;
  beforeAll(async () => {
    server = await broker.start();
  }, 60_000);
  afterAll(() => server.stop());

  describe(`${broker.name}: a process that fails at a certain place, ${REPEATS} times each`, () => {
    it.each(CASES)(
      'at $point by $action',
      async (given) => {
        const runs = await repeat(server, () => fail(server, broker, given));
        figures(`failpoint ${given.point}=${given.action}`, {
          repeats: REPEATS,
          lost: runs.reduce((sum, { lost }) => sum + lost, 0),
          'extra starts': runs.reduce((sum, { extra }) => sum + extra, 0),
          'slowest to drain ms': Math.max(...runs.map(({ drainedMs }) => drainedMs)),
        });
        const [least, most] = given.extraStarts;
        for (const { extra } of runs) {
          expect(extra).toBeGreaterThanOrEqual(broker.fences ? least : 0);
          expect(extra).toBeLessThanOrEqual(broker.fences ? most : most + 1);
        }
      },
      REPEATS * 20_000 + 60_000,
    );

    it.each([
      { point: 'enqueue.before-send', action: 'kill9', stored: 0 },
      { point: 'enqueue.after-exec', action: 'kill9', stored: 1 },
      { point: 'enqueue.after-exec', action: 'dropreply', stored: 1 },
    ])(
      'a sender at $point by $action',
      async ({ point, action, stored }) => {
        const found = await repeat(server, async () => {
          const bench = new FaultBench(server, { fences: broker.fences });
          try {
            const sender = spawn(process.execPath, bench.sendCommand('0', '1'), {
              env: { ...bench.env(), TASK_BROKER_URL: server.url, BROKKR_FAILPOINTS: `${point}=${action}` },
              stdio: 'ignore',
            });
            const [code] = await once(sender, 'exit');
            expect(code, 'the sender is never told that it was stored').not.toBe(0);
            return (await bench.counts()).ready ?? Number.NaN;
          } finally {
            await bench.close();
          }
        });
        figures(`failpoint ${point}=${action}`, {
          repeats: REPEATS,
          'stored once': found.filter((n) => n === 1).length,
        });
        expect(new Set(found)).toEqual(new Set([stored]));
      },
      REPEATS * 20_000,
    );
  });
}

async function fail(
  server: FaultServer,
  broker: FaultBroker,
  { point, action, nth = 1, task = 'job', ms = 10, stops }: Case,
): Promise<{ lost: number; extra: number; drainedMs: number }> {
  const bench = new FaultBench(server, { fences: broker.fences });
  try {
    await bench.send(JOBS, ms, task);
    const victim = bench.worker({
      concurrency: 1,
      env: {
        BROKKR_FAILPOINTS: `${point}=${action}@${nth}`,
        ...(stops && { TASK_SHUTDOWN_TIMEOUT: `${stops.graceMs}ms` }),
      },
    });
    const ended = once(victim, 'exit');
    if (stops !== undefined) {
      await until(() => bench.inFlight(victim.pid).length === 1, 20_000, 'the worker is busy');
      victim.kill('SIGTERM');
    }
    if (action === 'kill9') expect((await ended)[1], 'it was killed at the failpoint').toBe('SIGKILL');
    else if (stops !== undefined) await ended;
    const failedAt = performance.now();
    if (action === 'kill9' || stops !== undefined) bench.worker({ concurrency: 1 });
    await bench.drained(broker.recoveryMs(LEASE_MS) + JOBS * ms + 15_000);
    const drainedMs = performance.now() - failedAt;
    if (action === 'dropreply' && stops === undefined) await stop(victim, ended);
    // A job that must fail at first is started twice even without a fault.
    const needed = task === 'failing' ? JOBS : 0;
    return { lost: await bench.lost(), extra: bench.extraStarts() - needed, drainedMs };
  } finally {
    await bench.close();
  }
}

/** A process that survived a lost answer is healthy: it ends when it is stopped. */
async function stop(victim: ChildProcess, ended: Promise<unknown[]>): Promise<void> {
  victim.kill('SIGTERM');
  expect((await ended)[0]).toBe(0);
}

async function repeat<T>(server: FaultServer, run: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  while (results.length < REPEATS) {
    let left = Math.min(SWEEP_EVERY, REPEATS - results.length);
    const lane = async () => {
      while (left-- > 0) results.push(await run());
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    if (results.length < REPEATS) await server.sweep?.();
  }
  return results;
}
