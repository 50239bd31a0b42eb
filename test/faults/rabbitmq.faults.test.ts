import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { FaultBench, figures, until } from './fault-bench.ts';
import { faultCases } from './fault-cases.ts';
import { type RabbitFaultServer, SharedRabbit } from './rabbitmq-fault-broker.ts';

const shared = new SharedRabbit();
beforeAll(() => shared.start(), 90_000);
afterAll(() => shared.end());

faultCases(shared);

describe('faults of RabbitMQ only', () => {
  let server: RabbitFaultServer;
  let bench: FaultBench;
  const cleanUps: (() => Promise<unknown>)[] = [];
  beforeEach(async () => {
    server = await shared.start();
    bench = new FaultBench(server, { fences: false });
  });
  afterEach(async () => {
    await bench.close();
    for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
  }, 60_000);

  async function report(fault: string, more: Readonly<Record<string, number>> = {}): Promise<void> {
    const dead = (await bench.counts()).dead ?? Number.NaN;
    const lost = await bench.lost();
    figures(fault, { sent: bench.sent, lost, dead, 'extra starts': bench.extraStarts(), ...more });
    expect({ lost, dead }).toEqual({ lost: 0, dead: 0 });
  }

  async function startsAfter(at: number, boundMs: number): Promise<number> {
    await until(() => bench.notes().some((note) => note.what === 'S' && note.at > at), boundMs, 'work goes on');
    return (bench.notes().find((note) => note.what === 'S' && note.at > at)?.at ?? Number.NaN) - at;
  }

  it('30 rolling restarts in a row, each with a full prefetch: nothing runs twice, and no message is dead-lettered', async () => {
    await bench.send(1_000, 100);
    let worker = bench.worker();
    await until(() => bench.inFlight(worker.pid).length >= 20, 20_000, 'the worker is busy');
    for (let round = 0; round < 30; round++) {
      const next = bench.worker();
      const isBusy = async () => {
        if (((await bench.counts()).ready ?? 0) < 100) await bench.send(100, 100);
        return bench.inFlight(next.pid).length >= 5;
      };
      await until(isBusy, 60_000, 'the next worker is busy');
      const ended = once(worker, 'exit');
      worker.kill('SIGTERM');
      expect((await ended)[0]).toBe(0);
      worker = next;
    }
    await bench.drained(60_000);
    await report('30 rolling restarts');
    expect(bench.extraStarts()).toBe(0);
  }, 300_000);

  it('the server is stopped in order and started again', async () => {
    bench.worker();
    await bench.send(1_500, 20);
    await until(() => bench.notes().length > 300, 15_000, 'work has begun');
    await server.rabbit.restart();
    const resumedMs = await startsAfter(Date.now(), 10_000);
    await bench.drained(60_000);
    await report('server stop and start', { 'resumed after ms': resumedMs });
    expect(resumedMs).toBeLessThanOrEqual(4_000);
    expect(bench.extraStarts()).toBeLessThanOrEqual(25);
  }, 120_000);

  it.each([
    ['memory', ['set_vm_memory_high_watermark', 'absolute', '1MB'], ['set_vm_memory_high_watermark', '0.6']],
    ['disk', ['set_disk_free_limit', '90000GB'], ['set_disk_free_limit', '50MB']],
  ])(
    'an alarm for %s: sends are refused, and workers go on until all messages have run',
    async (alarm, on, off) => {
      await bench.send(1_000, 20);
      await server.rabbit.control(...on);
      cleanUps.push(() => server.rabbit.control(...off));
      const refused = await bench.send(1, 1).then(
        () => 'stored',
        (error: { code?: string }) => error.code,
      );
      expect(refused).toBe('BROKER_BLOCKED');
      bench.worker();
      const ended = () =>
        new Set(bench.notes().flatMap(({ what, n }) => (what === 'ack' && n < 1_000 ? [n] : []))).size;
      await until(() => ended() === 1_000, 30_000, 'all is done while the alarm is on');
      await server.rabbit.control(...off);
      const again = () =>
        bench.send(10, 1).then(
          () => true,
          () => false,
        );
      await until(again, 15_000, 'senders are served again');
      await bench.drained(30_000);
      await report(`alarm for ${alarm}`);
    },
    120_000,
  );

  it('a connection is half-open: its worker reconnects, and its messages run', async () => {
    const proxy = await TcpProxy.open(server.port);
    cleanUps.push(() => proxy.close());
    const far = new FaultBench(server, { fences: false, workerPort: proxy.port });
    cleanUps.push(() => far.close());
    await far.send(300, 100);
    const worker = far.worker();
    await until(() => far.inFlight(worker.pid).length >= 20, 15_000, 'the worker is busy');
    proxy.mode = 'half-open';
    // Three heartbeats of two seconds: both ends have closed the connection.
    await sleep(7_000);
    proxy.mode = 'pass';
    const backAt = Date.now();
    await until(() => far.notes().some(({ what, at }) => what === 'S' && at > backAt), 10_000, 'work goes on');
    const resumedMs = Date.now() - backAt;
    await far.drained(60_000);
    figures('half-open for 7 s, heartbeat 2 s', {
      sent: far.sent,
      lost: await far.lost(),
      dead: (await far.counts()).dead ?? Number.NaN,
      'extra starts': far.extraStarts(),
      'resumed after ms': resumedMs,
    });
    // A connection attempt that got no answer ends after its 5 s (`connectTimeout`), and is repeated.
    expect(resumedMs).toBeLessThanOrEqual(5_500);
    expect(far.extraStarts()).toBeLessThanOrEqual(50);
  }, 120_000);

  it('the queue is deleted under its workers, twice: new messages run within seconds', async () => {
    bench.worker();
    await bench.send(10, 1);
    await until(() => bench.notes().filter(({ what }) => what === 'ack').length === 10, 15_000, 'all is done');
    const slowest: number[] = [];
    for (let round = 0; round < 2; round++) {
      const client = await server.rabbit.client();
      await (await client.createChannel()).deleteQueue(`${bench.namespace}.jobs`);
      await client.close();
      const deletedAt = Date.now();
      await bench.send(20, 1);
      slowest.push(await startsAfter(deletedAt, 10_000));
    }
    await bench.drained(30_000);
    await report('queue deleted', { 'runs after ms': Math.max(...slowest) });
    expect(Math.max(...slowest)).toBeLessThanOrEqual(2_500);
  }, 60_000);

  it('redelivery after a kill, with an empty queue: within a second', async () => {
    const slowest: number[] = [];
    const survivor = bench.worker({ concurrency: 80 });
    for (let round = 0; round < 3; round++) {
      const victim = bench.worker();
      const bothAreUp = async () => {
        await bench.send(10, 1);
        const seen = new Set(bench.notes().map(({ pid }) => pid));
        return seen.has(victim.pid ?? 0) && seen.has(survivor.pid ?? 0);
      };
      await until(bothAreUp, 40_000, 'both are up');
      await bench.drained(30_000);
      await bench.send(50, 2_000);
      await until(() => bench.inFlight(victim.pid).length >= 10, 15_000, 'the victim is busy');
      const held = new Set(bench.inFlight(victim.pid));
      const killedAt = Date.now();
      victim.kill('SIGKILL');
      const again = () =>
        bench
          .notes()
          .filter(({ what, n, pid, at }) => what === 'claim' && pid === survivor.pid && at >= killedAt && held.has(n));
      await until(() => again().length >= held.size, 10_000, 'the survivor was given all');
      slowest.push(Math.max(...again().map(({ at }) => at)) - killedAt);
      await bench.drained(30_000);
    }
    await report('redelivery after kill -9', { 'all again after ms': Math.max(...slowest) });
    expect(Math.max(...slowest)).toBeLessThanOrEqual(1_000);
  }, 120_000);
});
