import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { RedisServer } from '../support/redis-server.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { FaultBench, figures, LEASE_MS, until } from './fault-bench.ts';
import { faultCases } from './fault-cases.ts';
import { RedisFaultServer, redisUnderFaults } from './redis-fault-broker.ts';

faultCases(redisUnderFaults);

describe('faults of Redis only', () => {
  const cleanUps: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
  });

  async function open(args: readonly string[] = []): Promise<{ server: RedisFaultServer; bench: FaultBench }> {
    const server = await RedisFaultServer.start(args);
    cleanUps.push(() => server.stop());
    const bench = new FaultBench(server);
    cleanUps.push(() => bench.close());
    return { server, bench };
  }

  it('scripts are flushed continually, and connections killed every second', async () => {
    const { server, bench } = await open();
    bench.worker();
    let stopped = false;
    const meddling = (async () => {
      for (let round = 0; !stopped; round++) {
        await server.command('SCRIPT', 'FLUSH');
        if (round % 20 === 0) await server.breakConnections();
        await sleep(50);
      }
    })();
    for (let batch = 0; batch < 20; batch++) {
      await bench.send(50, 20);
      await sleep(200);
    }
    stopped = true;
    await meddling;
    await bench.drained(60_000);
    figures('SCRIPT FLUSH, CLIENT KILL', {
      sent: bench.sent,
      lost: await bench.lost(),
      'extra starts': bench.extraStarts(),
    });
  }, 120_000);

  it('workers that claim ahead at full speed are killed ten times, while connections break and scripts are flushed', async () => {
    const { server, bench } = await open();
    bench.worker();
    let victim = bench.worker();
    for (let round = 0; round < 10; round++) {
      await until(
        async () => {
          const { ready } = await bench.counts();
          if ((ready ?? 0) < 1_000) await bench.send(500, 0);
          return bench.notes().filter(({ what, pid }) => what === 'ack' && pid === victim.pid).length > 500;
        },
        30_000,
        'it works at full speed',
      );
      await server.command('SCRIPT', 'FLUSH');
      await server.breakConnections();
      const gone = once(victim, 'exit');
      victim.kill('SIGKILL');
      await gone;
      victim = bench.worker();
    }
    await bench.drained(90_000);
    figures('kill -9 at full speed', {
      sent: bench.sent,
      lost: await bench.lost(),
      'extra starts': bench.extraStarts(),
    });
  }, 180_000);

  it('the server does not answer for five seconds: leases of ten seconds are kept', async () => {
    const { server, bench } = await open();
    bench.worker({ env: { TASK_LEASE: '10s' } });
    await bench.send(600, 100);
    await until(() => bench.notes().length > 100, 15_000, 'work has begun');
    await server.command('CLIENT', 'PAUSE', '5000', 'ALL');
    await bench.drained(60_000);
    figures('CLIENT PAUSE 5 s', {
      sent: bench.sent,
      lost: await bench.lost(),
      'extra starts': bench.extraStarts(),
      'settlements refused': bench.refused(),
    });
    expect(bench.extraStarts()).toBe(0);
  }, 90_000);

  it('another client writes junk into our keys: all other messages run', async () => {
    const { server, bench } = await open();
    await bench.send(200, 20);
    const key = (name: string) => `${bench.namespace}:{${bench.queue}}:${name}`;
    for (let junk = 0; junk < 5; junk++) {
      await server.command('LPUSH', key('ready'), `ghost-${junk}`);
      await server.command('ZADD', key('delayed'), '1', `late-ghost-${junk}`);
      await server.command('ZADD', key('leases'), '1', `held-ghost-${junk}`);
      await server.command('HSET', key('messages'), `foreign-${junk}`, '\u0000 no envelope of ours');
      await server.command('RPUSH', key('ready'), `foreign-${junk}`);
    }
    bench.worker();
    // Junk with bytes is kept among the dead letters; junk without bytes is dropped.
    await until(async () => (await bench.counts()).dead === 5, 30_000, 'the foreign bytes are dead letters');
    await until(
      () => new Set(bench.notes().flatMap(({ what, n }) => (what === 'ack' ? [n] : []))).size === bench.sent,
      30_000,
      'all of ours are acknowledged',
    );
    await until(async () => (await bench.counts()).running === 0, 30_000, 'nothing is stuck');
    const { ready, delayed, running, dead, discarded } = await bench.counts();
    figures('junk in our keys', {
      sent: bench.sent,
      acknowledged: bench.sent,
      dead: dead ?? 0,
      dropped: discarded ?? 0,
    });
    expect({ ready, delayed, running }).toEqual({ ready: 0, delayed: 0, running: 0 });
  }, 90_000);

  it('the server loses all data: handlers are aborted with a lost lease, and new messages run', async () => {
    const { server, bench } = await open(['--appendonly', 'no']);
    bench.worker({ concurrency: 10 });
    await bench.send(10, 30_000, 'patient');
    await until(() => bench.notes().filter(({ what }) => what === 'S').length === 10, 15_000, 'all run');
    await server.kill();
    await server.run();
    const backAt = performance.now();
    await until(
      () => bench.notes().filter(({ what }) => what === 'aborted').length === 10,
      LEASE_MS + 8_000,
      'the handlers were told',
    );
    const toldMs = performance.now() - backAt;
    const before = bench.sent;
    await bench.send(20, 10);
    await until(
      () => new Set(bench.notes().flatMap(({ what, n }) => (what === 'ack' && n >= before ? [n] : []))).size === 20,
      15_000,
      'new ones are served',
    );
    figures('server forgot everything', { held: 10, 'told after ms': toldMs, 'served afterwards': 20 });
    expect((await bench.counts()).running).toBe(0);
  }, 90_000);

  it('the primary becomes a replica, and its replica the primary: replicated messages go on', async () => {
    const { server, bench: unused } = await open(['--repl-diskless-sync-delay', '0']);
    await unused.close();
    const replica = await RedisServer.start({ args: ['--replicaof', '127.0.0.1', String(server.port)] });
    cleanUps.push(() => replica.stop());
    const proxy = await TcpProxy.open(server.port);
    cleanUps.push(() => proxy.close());
    const behind = Object.assign(Object.create(server) as RedisFaultServer, {});
    Object.defineProperties(behind, { port: { value: proxy.port }, url: { value: `redis://127.0.0.1:${proxy.port}` } });
    const bench = new FaultBench(behind);
    cleanUps.push(() => bench.close());
    const promoted = replica.client();
    await until(
      async () => (await promoted.info('replication')).includes('master_link_status:up'),
      15_000,
      'the replica follows',
    );
    await bench.send(500, 200);
    bench.worker();
    await until(() => bench.notes().length > 100, 15_000, 'work has begun');
    const client = server.redis.client();
    // From here on the old primary refuses writes (READONLY); connections to it stay open.
    await client.call('CLIENT', 'PAUSE', '10000', 'WRITE');
    expect(await client.wait(1, 5_000)).toBe(1);
    await promoted.call('REPLICAOF', 'NO', 'ONE');
    proxy.targetPort = replica.port;
    await client.call('REPLICAOF', '127.0.0.1', String(replica.port));
    await client.call('CLIENT', 'UNPAUSE');
    const promotedAt = Date.now();
    client.disconnect();
    promoted.disconnect();
    await until(
      () => bench.notes().some(({ what, at }) => what === 'claim' && at > promotedAt),
      15_000,
      'work goes on',
    );
    const resumedMs = Date.now() - promotedAt;
    await until(async () => (await bench.counts()).acknowledged === bench.sent, 30_000, 'all has been done');
    figures('READONLY fail-over', {
      sent: bench.sent,
      lost: await bench.lost(),
      'extra starts': bench.extraStarts(),
      'resumed after ms': resumedMs,
    });
    expect(resumedMs).toBeLessThanOrEqual(4_000);
  }, 90_000);
});
