import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RedisServer } from '../support/redis-server.ts';
import { FaultBench, figures, LEASE_MS, QUEUE, until } from './fault-bench.ts';

const IN_FLIGHT = 25;
const REPEATS = Number(process.env.BROKKR_FAULT_REPEATS ?? 30);
/** Lease, the reaper's period of five seconds and a fifth, half a second. */
const RECOVERY_MS = LEASE_MS + 1.2 * 5_000 + 500;

let server: RedisServer;
let bench: FaultBench;

beforeEach(async () => {
  server = await RedisServer.start();
  bench = new FaultBench(server.url);
});
afterEach(async () => {
  await bench.close();
  await server.stop();
});

describe('Redis loses nothing', () => {
  it(`when workers are killed with ${IN_FLIGHT} messages in flight, ${REPEATS} times`, async () => {
    bench.worker(IN_FLIGHT);
    let exposed = 0;
    const recovered: number[] = [];
    for (let round = 0; round < REPEATS; round++) {
      const victim = bench.worker(IN_FLIGHT);
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
        RECOVERY_MS + 10_000,
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
    expect(extra).toBeLessThanOrEqual(exposed);
    expect(Math.max(...recovered)).toBeLessThanOrEqual(RECOVERY_MS);
  }, 360_000);

  it('when a worker is stopped for longer than its lease and then goes on: what it settles late is refused', async () => {
    await bench.send(200, 500);
    const sleeper = bench.worker(IN_FLIGHT);
    await until(() => bench.inFlight(sleeper.pid).length >= IN_FLIGHT, 15_000, 'the worker is busy');
    const held = bench.inFlight(sleeper.pid).length;
    sleeper.kill('SIGSTOP');
    bench.worker(IN_FLIGHT);
    await sleep(LEASE_MS * 1.6);
    sleeper.kill('SIGCONT');
    await bench.drained(60_000);
    figures('SIGSTOP, SIGCONT', { held, lost: await bench.lost(), 'extra starts': bench.extraStarts() });
    expect(bench.extraStarts()).toBeLessThanOrEqual(held);
  }, 90_000);

  it('when workers are told to stop under load, one after the other: nothing runs twice', async () => {
    await bench.send(600, 50);
    for (let round = 0; round < 5; round++) {
      const worker = bench.worker(IN_FLIGHT);
      await until(() => bench.inFlight(worker.pid).length >= 5, 15_000, 'the worker is busy');
      const ended = once(worker, 'exit');
      worker.kill('SIGTERM');
      expect((await ended)[0]).toBe(0);
    }
    bench.worker(IN_FLIGHT);
    await bench.drained(60_000);
    figures('SIGTERM', { rounds: 5, lost: await bench.lost(), 'extra starts': bench.extraStarts() });
    expect(bench.extraStarts()).toBe(0);
  }, 120_000);

  it('when the server is killed and started again', async () => {
    bench.worker(IN_FLIGHT);
    await bench.send(1_000, 20);
    await until(() => bench.notes().length > 100, 15_000, 'work has begun');
    await server.kill();
    await sleep(500);
    await server.run();
    const backAt = Date.now();
    await until(
      () => bench.notes().filter(({ what, at }) => what === 'S' && at > backAt).length > 0,
      10_000,
      'work goes on',
    );
    const resumedMs = Date.now() - backAt;
    // What the server wrote down every second at the latest it has kept, since only its process died.
    await until(async () => (await bench.counts()).acknowledged === 1_000, 60_000, 'all has been done');
    figures('server kill -9', {
      lost: await bench.lost(),
      'extra starts': bench.extraStarts(),
      'resumed after ms': resumedMs,
    });
    expect(resumedMs).toBeLessThanOrEqual(4_000);
    expect(bench.extraStarts()).toBeLessThanOrEqual(2 * IN_FLIGHT);
  }, 120_000);

  it('when scripts are flushed and connections killed all the time', async () => {
    bench.worker(IN_FLIGHT);
    const client = server.client();
    let stopped = false;
    const meddling = (async () => {
      for (let round = 0; !stopped; round++) {
        await client.script('FLUSH');
        if (round % 20 === 0) await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        await sleep(50);
      }
    })();
    for (let batch = 0; batch < 20; batch++) {
      await bench.send(50, 20);
      await sleep(200);
    }
    stopped = true;
    await meddling;
    client.disconnect();
    await bench.drained(60_000);
    figures('SCRIPT FLUSH, CLIENT KILL', {
      sent: bench.sent,
      lost: await bench.lost(),
      'extra starts': bench.extraStarts(),
    });
  }, 120_000);

  it('when a task kills its process each time: it ends among the dead letters, and no neighbour does', async () => {
    await bench.send(100, 50);
    await bench.send(1, 0, 'poison');
    await bench.send(100, 50);
    let workers = 0;
    const keepOne = () => {
      workers++;
      bench.worker(IN_FLIGHT).once('exit', () => {
        if (!stopped) keepOne();
      });
    };
    let stopped = false;
    keepOne();
    await until(async () => (await bench.counts()).dead === 1, 60_000, 'the poison is dead');
    await bench.drained(60_000, 1);
    stopped = true;
    const [letter] = await (await bench.broker()).peek(QUEUE, 'dead', 10);
    expect(letter?.id).toBe('job-100');
    const starts = bench.notes().filter(({ what, n }) => what === 'S' && n === 100).length;
    figures('poison', {
      starts,
      'dead in all': (await bench.counts()).dead ?? 0,
      workers,
      'extra starts': bench.extraStarts(),
    });
    expect(starts).toBe(3);
  }, 120_000);
});
