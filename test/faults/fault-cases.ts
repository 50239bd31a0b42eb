import { firstMessages } from '@brokkr/core/adapter';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { seededRandom, seedOf } from '../support/seeded-random.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { eachOnFreshServer, FaultBench, figures, LEASE_MS, until } from './fault-bench.ts';
import type { FaultBroker, FaultServer } from './fault-server.ts';

const IN_FLIGHT = 25;
const REPEATS = Number(process.env.BROKKR_FAULT_REPEATS ?? 30);
const SEED = seedOf('BROKKR_FAULT_SEED');

/** The faults that every broker must survive, with real processes on a real server. */
export function faultCases(broker: FaultBroker): void {
  let server: FaultServer;
  let bench: FaultBench;
  const random = seededRandom(SEED);

  eachOnFreshServer(broker, (opened, at) => {
    bench = opened;
    server = at;
  });

  describe(`${broker.name} loses nothing (BROKKR_FAULT_SEED=${SEED})`, () => {
    it(`when workers are killed with ${IN_FLIGHT} messages in flight, ${REPEATS} times`, async () => {
      bench.worker();
      let exposed = 0;
      const recovered: number[] = [];
      for (let round = 0; round < REPEATS; round++) {
        const victim = bench.worker();
        // So that rounds do not all fall on the same phase of the work.
        await sleep(random() * 100);
        await until(
          async () => {
            const { ready } = await bench.counts();
            if ((ready ?? 0) < 4 * IN_FLIGHT) await bench.send(4 * IN_FLIGHT, 100);
            return bench.inFlight(victim.pid).length >= IN_FLIGHT - 5;
          },
          20_000,
          'the worker is busy',
        );
        const gone = once(victim, 'exit');
        victim.kill('SIGKILL');
        const killedAt = Date.now();
        await gone;
        const lost = new Set(bench.inFlight(victim.pid));
        exposed += lost.size;
        await until(
          () => {
            for (const { what, n, at } of bench.notes()) if (what === 'E' && at >= killedAt) lost.delete(n);
            return lost.size === 0;
          },
          broker.recoveryMs(LEASE_MS) + 10_000,
          'what it held has run elsewhere',
        );
        recovered.push(Date.now() - killedAt);
      }
      await bench.drained(60_000);
      const extra = bench.extraStarts();
      figures('kill -9', {
        repeats: REPEATS,
        exposed,
        lost: await bench.lost(),
        'extra starts': extra,
        'slowest recovery ms': Math.max(...recovered),
      });
      // A handler that had ended may not be settled yet: those messages run again, too.
      expect(extra).toBeLessThanOrEqual(REPEATS * IN_FLIGHT);
      expect(Math.max(...recovered)).toBeLessThanOrEqual(broker.recoveryMs(LEASE_MS));
    }, 480_000);

    it('when a worker is stopped for longer than its lease and then goes on: its late settlements are refused', async () => {
      await bench.send(200, 500);
      const sleeper = bench.worker();
      await until(() => bench.inFlight(sleeper.pid).length >= IN_FLIGHT, 15_000, 'the worker is busy');
      const held = bench.inFlight(sleeper.pid).length;
      sleeper.kill('SIGSTOP');
      bench.worker();
      await sleep(LEASE_MS * 1.6);
      sleeper.kill('SIGCONT');
      await bench.drained(60_000);
      figures('SIGSTOP, SIGCONT', {
        held,
        lost: await bench.lost(),
        'extra starts': bench.extraStarts(),
        'settlements refused': bench.refused(),
      });
      expect(bench.extraStarts()).toBeLessThanOrEqual(held);
    }, 90_000);

    it('when a handler blocks a worker without a lease thread for three leases: its messages run elsewhere, its late settlements are refused', async () => {
      const blocked = bench.worker({ concurrency: 5, env: { TASK_LEASE_THREAD: 'false' } });
      await bench.send(4, 500);
      await bench.send(1, 3 * LEASE_MS, 'spin');
      await until(() => bench.inFlight(blocked.pid).includes(4), 15_000, 'the handler blocks');
      bench.worker({ concurrency: 5 });
      await bench.drained(60_000);
      figures('event loop blocked for 3 leases', {
        held: 5,
        lost: await bench.lost(),
        'extra starts': bench.extraStarts(),
        'settlements refused': bench.refused(),
      });
      expect(bench.extraStarts()).toBeGreaterThan(0);
      expect(bench.extraStarts()).toBeLessThanOrEqual(5);
    }, 90_000);

    it('when workers are stopped under load, one after the other: nothing runs twice', async () => {
      await bench.send(600, 50);
      for (let round = 0; round < 5; round++) {
        const worker = bench.worker();
        await until(() => bench.inFlight(worker.pid).length >= 5, 15_000, 'the worker is busy');
        const ended = once(worker, 'exit');
        worker.kill('SIGTERM');
        expect((await ended)[0]).toBe(0);
      }
      bench.worker();
      await bench.drained(60_000);
      figures('SIGTERM', { rounds: 5, lost: await bench.lost(), 'extra starts': bench.extraStarts() });
      expect(bench.extraStarts()).toBe(0);
    }, 120_000);

    it('when a worker gets a second signal: it ends within a second, and returns its messages', async () => {
      await bench.send(IN_FLIGHT, 3_000);
      const worker = bench.worker();
      await until(() => bench.inFlight(worker.pid).length === IN_FLIGHT, 15_000, 'the worker is busy');
      const ended = once(worker, 'exit');
      worker.kill('SIGTERM');
      // Signals within a second are copies of one.
      await sleep(1_050);
      worker.kill('SIGTERM');
      const repeatedAt = performance.now();
      await ended;
      const exitMs = performance.now() - repeatedAt;
      bench.worker();
      await bench.drained(30_000);
      const released = bench.notes().filter(({ what }) => what === 'release').length;
      figures('two signals', {
        held: IN_FLIGHT,
        'handed back': released,
        'gone after ms': exitMs,
        lost: await bench.lost(),
        'extra starts': bench.extraStarts(),
      });
      expect(exitMs).toBeLessThanOrEqual(1_200);
      expect(bench.extraStarts()).toBe(IN_FLIGHT);
    }, 60_000);

    it('when the server is killed and restarted', async () => {
      bench.worker();
      await bench.send(1, 20);
      await server.queuesAreKept?.();
      await bench.send(1_000, 20);
      await until(() => bench.notes().length > 300, 15_000, 'work has begun');
      await server.kill();
      await sleep(500);
      await server.run();
      const backAt = Date.now();
      await until(() => bench.notes().some(({ what, at }) => what === 'S' && at > backAt), 10_000, 'work goes on');
      const resumedMs = Date.now() - backAt;
      // The server keeps the data that it wrote each second, because only its process died.
      await bench.drained(60_000);
      figures('server kill -9', {
        lost: await bench.lost(),
        'extra starts': bench.extraStarts(),
        'resumed after ms': resumedMs,
      });
      expect(resumedMs).toBeLessThanOrEqual(4_000);
      expect(bench.extraStarts()).toBeLessThanOrEqual(2 * IN_FLIGHT);
    }, 120_000);

    it('when all connections break every second', async () => {
      bench.worker();
      for (let second = 0; second < 5; second++) {
        await bench.send(200, 20);
        await sleep(1_000);
        await server.breakConnections();
      }
      await bench.drained(60_000);
      figures('connections broken every second', {
        sent: bench.sent,
        lost: await bench.lost(),
        'extra starts': bench.extraStarts(),
      });
    }, 120_000);

    it('when the network is slow, 200 to 400 ms each way, and breaks one chunk in a hundred', async () => {
      const proxy = await TcpProxy.open(server.port);
      proxy.latencyMs = () => 200 * (1 + random());
      proxy.breaks = () => random() < 0.01;
      const far = new FaultBench(server, { fences: broker.fences, workerPort: proxy.port });
      try {
        await far.send(200, 20);
        const startedAt = performance.now();
        far.worker({ env: { TASK_LEASE: '10s' } });
        await far.drained(90_000);
        figures('latency 200 to 400 ms each way, 1 % resets', {
          sent: far.sent,
          lost: await far.lost(),
          'extra starts': far.extraStarts(),
          ms: performance.now() - startedAt,
        });
      } finally {
        await far.close();
        await proxy.close();
      }
    }, 120_000);

    it.each([1, 3])(
      'when a task blocks the event loop each time until its connection breaks, with %s worker(s): it runs three times and is one dead letter',
      async (workers) => {
        await bench.send(1, 3.5 * LEASE_MS, 'block');
        await bench.send(20, 20);
        const env = { TASK_LEASE_THREAD: 'false' };
        for (let count = 0; count < workers; count++) bench.worker({ concurrency: 4, env });
        await until(async () => (await bench.counts()).dead === 1, 90_000, 'the blocking task is a dead letter');
        await bench.drained(60_000, 1);
        const letters = await firstMessages((await bench.broker()).inspector, bench.queue, 'dead', 10);
        expect(letters.map(({ id }) => id)).toEqual(['job-0']);
        // Only a process that was blocked knows of it. Of several workers, any may judge the message at last.
        const reason = letters[0]?.headers['brokkr-reason'];
        if (workers === 1) expect(reason).toMatch(/^blocked the event loop for [78](\.\d)? s/);
        const starts = bench.notes().filter(({ what, n }) => what === 'S' && n === 0).length;
        figures('event loop blocked each time', { workers, starts, 'extra starts': bench.extraStarts() });
        expect(starts).toBeLessThanOrEqual(3);
      },
      180_000,
    );

    it('when a task kills its process each time: it becomes a dead letter, and no other message does', async () => {
      await bench.send(100, 50);
      await bench.send(1, 0, 'poison');
      await bench.send(20, 0);
      await bench.send(1, 0, 'poison');
      await bench.send(80, 50);
      const stop = bench.keepOneWorker();
      await until(async () => (await bench.counts()).dead === 2, 90_000, 'the poisons are dead');
      await bench.drained(60_000, 2);
      const workers = stop();
      const letters = await firstMessages((await bench.broker()).inspector, bench.queue, 'dead', 10);
      expect(letters.map(({ id }) => id).toSorted()).toEqual(['job-100', 'job-121']);
      const starts = [100, 121].map(
        (poison) => bench.notes().filter(({ what, n }) => what === 'S' && n === poison).length,
      );
      figures('poison', {
        'starts of the first': starts[0] ?? 0,
        'of the second': starts[1] ?? 0,
        'dead in all': (await bench.counts()).dead ?? 0,
        workers,
        'extra starts': bench.extraStarts(),
      });
      expect(Math.max(...starts)).toBeLessThanOrEqual(3);
    }, 180_000);

    it('when one message of a batch of a hundred kills its process: it alone becomes a dead letter', async () => {
      await bench.send(100, undefined, 'gathered');
      const stop = bench.keepOneWorker({ env: { GATHERS: 'true' } });
      await until(async () => (await bench.counts()).dead === 1, 90_000, 'the poison is dead');
      await bench.drained(60_000, 1);
      const workers = stop();
      const letters = await firstMessages((await bench.broker()).inspector, bench.queue, 'dead', 10);
      expect(letters.map(({ id }) => id)).toEqual(['job-40']);
      const starts = bench.notes().filter(({ what, n }) => what === 'S' && n === 40).length;
      figures('poison in a batch', { starts, workers, 'extra starts': bench.extraStarts() });
      expect(starts).toBeLessThanOrEqual(3);
    }, 180_000);
  });
}
