import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { seededRandom, seedOf } from '../support/seeded-random.ts';
import { FaultBench, figures, LEASE_MS, until } from './fault-bench.ts';
import type { FaultBroker, FaultServer } from './fault-server.ts';
import { TWO_ENDS, violations } from './notes.ts';

const SEED = seedOf('BROKKR_FAULT_SEED');
const SECONDS = Number(process.env.BROKKR_CHAOS_SECONDS ?? 25);
const WORKERS = 3;
const CONCURRENCY = 25;

/** Faults of this server only, by name. */
export type Disturbances<S extends FaultServer> = Readonly<Record<string, (server: S) => Promise<void>>>;

type Step = { readonly atMs: number; readonly what: string; readonly worker: number; readonly forMs: number };

/** Runs all faults at the same time, as a seed decides. Then everything heals, and the remaining messages must end. */
export function chaosCases<S extends FaultServer>(broker: FaultBroker<S>, disturbances: Disturbances<S>): void {
  describe(`${broker.name} under chaos`, () => {
    it(
      `${SECONDS} s of kills, stops, breaks and restarts (BROKKR_FAULT_SEED=${SEED})`,
      async () => {
        const server = await broker.start();
        const bench = new FaultBench(server, { fences: broker.fences });
        const crew = new Crew(bench);
        const happened = new Map<string, number>();
        try {
          for (let worker = 0; worker < WORKERS; worker++) crew.keep(worker);
          const startedAt = performance.now();
          const sending = produce(bench, startedAt);
          for (const { atMs, what, worker, forMs } of stepsOf(Object.keys(disturbances))) {
            await sleep(Math.max(0, startedAt + atMs - performance.now()));
            happened.set(what, (happened.get(what) ?? 0) + 1);
            if (what === 'kill') crew.signal(worker, 'SIGKILL');
            else if (what === 'term') crew.signal(worker, 'SIGTERM');
            else if (what === 'stop') crew.pause(worker, forMs);
            else if (what === 'break') await server.breakConnections();
            else if (what === 'server') await restart(server, forMs);
            else await disturbances[what]?.(server);
          }
          const refusals = await sending;
          await crew.dismiss();
          const drainMs = await drainAlone(bench, broker);
          const counts = await bench.counts();
          const { dead = 0, published } = counts;
          await bench.emptied(dead);
          const found = broker.fences ? violations(bench.notes()) : [];
          const claimed = new Set(bench.notes().flatMap(({ what, n }) => (what === 'claim' ? [n] : []))).size;
          // A publish whose answer was lost is repeated. If its message had ended before, it exists twice.
          const repeated = published === undefined ? Number.POSITIVE_INFINITY : published - claimed;
          const twice = found.filter((line) => line.endsWith(TWO_ENDS));
          figures(`chaos, seed ${SEED}`, {
            seconds: SECONDS,
            ...Object.fromEntries(happened),
            confirmed: bench.sent,
            'sends refused': refusals,
            lost: await bench.lost(),
            dead,
            'extra starts': bench.extraStarts(),
            'ran again after a repeated publish': twice.length,
            'drained after ms': drainMs,
          });
          expect(found.filter((line) => !line.endsWith(TWO_ENDS))).toEqual([]);
          expect(twice.length).toBeLessThanOrEqual(repeated);
          if (published !== undefined) expect(published).toBe((counts.acknowledged ?? 0) + dead);
          expect(await bench.lost()).toBeLessThanOrEqual(0);
        } finally {
          await crew.dismiss();
          await bench.close();
          await server.stop();
        }
      },
      SECONDS * 1_000 + 180_000,
    );
  });
}

/** Drawn before the run, so that a seed means the same steps on any machine. */
function stepsOf(disturbances: readonly string[]): readonly Step[] {
  const random = seededRandom(SEED);
  const usual = ['kill', 'kill', 'kill', 'term', 'stop', 'break', 'break', ...disturbances];
  const steps: Step[] = [];
  for (let atMs = 1_500; atMs < SECONDS * 1_000; atMs += 300 + random() * 1_500) {
    const drawn = usual[Math.floor(random() * usual.length)] as string;
    const what = random() < 0.06 ? 'server' : drawn;
    steps.push({ atMs, what, worker: Math.floor(random() * WORKERS), forMs: 200 + random() * 2 * LEASE_MS });
  }
  return steps;
}

/** Sends during the chaos. Resolves with the number of refused sends. Confirmed ones are still checked. */
async function produce(bench: FaultBench, startedAt: number): Promise<number> {
  const random = seededRandom(SEED + 1);
  let refusals = 0;
  while (performance.now() - startedAt < SECONDS * 1_000) {
    const task = random() < 0.15 ? 'failing' : random() < 0.01 ? 'poison' : 'job';
    await bench.send(task === 'poison' ? 1 : 20, random() * 200, task).catch(() => refusals++);
    await sleep(150);
  }
  return refusals;
}

async function restart(server: FaultServer, forMs: number): Promise<void> {
  await server.kill();
  await sleep(Math.min(forMs, 1_500));
  await server.run();
}

/**
 * I15: with one healthy worker and no more faults, all messages must end within the time of the remaining work, a lease
 * and one return of expired leases.
 */
async function drainAlone(bench: FaultBench, broker: FaultBroker): Promise<number> {
  const { ready = 0, delayed = 0, running = 0 } = await bench.counts();
  const left = ready + delayed + running;
  const startedAt = performance.now();
  // The poison message may be among the remaining ones.
  const stop = bench.keepOneWorker({ concurrency: CONCURRENCY });
  // Messages that crashed together with a poison message may have to run alone.
  const boundMs = left * 100 + 4 * broker.recoveryMs(LEASE_MS) + 10_000;
  await until(
    async () => {
      const now = await bench.counts();
      return (now.ready ?? 0) + (now.delayed ?? 0) + (now.running ?? 0) === 0 && (await bench.lost()) <= 0;
    },
    boundMs,
    `I15: ${left} messages drain`,
  );
  stop();
  return performance.now() - startedAt;
}

/** Worker processes that are replaced when they end. */
class Crew {
  readonly #bench: FaultBench;
  readonly #places = new Map<number, ChildProcess>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #dismissed = false;

  constructor(bench: FaultBench) {
    this.#bench = bench;
  }

  keep(place: number): void {
    const worker = this.#bench.worker({ concurrency: CONCURRENCY });
    this.#places.set(place, worker);
    worker.once('exit', () => this.#dismissed || this.keep(place));
  }

  signal(place: number, signal: NodeJS.Signals): void {
    this.#places.get(place)?.kill(signal);
  }

  pause(place: number, forMs: number): void {
    const worker = this.#places.get(place);
    worker?.kill('SIGSTOP');
    this.#timers.add(setTimeout(() => worker?.kill('SIGCONT'), forMs));
  }

  /** Ends all of them, and waits for their ends. */
  async dismiss(): Promise<void> {
    this.#dismissed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    const living = [...this.#places.values()].filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    );
    const ended = living.map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
    for (const worker of living) worker.kill('SIGKILL');
    await Promise.all(ended);
  }
}
