// Redis broker against peers and the raw client: the same payload of 107 bytes, a no-op handler, one private server.
// Rounds are interleaved, so that a noisy machine is noisy for all. Prints medians and ratios of this run.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { median } from './median.mjs';
import { drains, enqueues, latencies } from './redis-contenders.mjs';

const ROUNDS = Number(process.env.BROKKR_BENCH_ROUNDS ?? 5);
const COUNT = Number(process.env.BROKKR_BENCH_COUNT ?? 20_000);

const peers = createRequire(new URL('./peers/package.json', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'brokkr-bench-'));
const port = await freePort();
const server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''], {
  stdio: 'ignore',
});
const redis = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 20, maxRetriesPerRequest: null });
redis.on('error', () => undefined);
await redis.ping();
const bench = { port, redis, url: `redis://127.0.0.1:${port}`, peers };

try {
  for (const concurrency of [1, 50, 100]) {
    const count = concurrency === 1 ? COUNT / 4 : COUNT;
    const measured = await interleaved(drains(bench), (run) =>
      cost(
        () => run.prepare(count),
        (prepared) => run.drain(prepared, count, concurrency),
        count,
      ),
    );
    report(`drain, concurrency ${concurrency}`, measured);
  }
  for (const [how, contenders] of Object.entries(enqueues(bench))) {
    const count = how === 'awaited one by one' ? COUNT / 4 : COUNT;
    const measured = await interleaved(contenders, (run) =>
      cost(
        () => run.open(),
        (opened) => run.send(opened, count),
        count,
        (opened) => run.close(opened),
      ),
    );
    report(`enqueue ${how}`, measured);
  }
  const idle = {};
  for (const [name, measure] of Object.entries(latencies(bench))) {
    await redis.flushall();
    idle[name] = (await measure(300)).toSorted((a, b) => a - b);
  }
  for (const [name, all] of Object.entries(idle)) {
    console.log(
      `idle latency  ${name.padEnd(18)} p50 ${all[all.length >> 1].toFixed(2)} ms, p99 ${all[Math.floor(all.length * 0.99)].toFixed(2)} ms`,
    );
  }
  await memory();
} finally {
  redis.disconnect();
  server.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}

async function interleaved(contenders, measure) {
  const all = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, run] of Object.entries(contenders)) {
      await redis.flushall();
      const measured = await measure(run);
      // The first round warms up.
      if (round > 0) all[name].push(measured);
    }
  }
  return all;
}

/** Jobs a second, and CPU seconds of this process and of the server for 10,000 jobs. */
async function cost(prepare, run, count, close = async () => undefined) {
  const prepared = await prepare();
  const serverBefore = await serverCpu();
  const ownBefore = process.cpuUsage();
  const startedAt = performance.now();
  await run(prepared);
  const seconds = (performance.now() - startedAt) / 1_000;
  const own = process.cpuUsage(ownBefore);
  const serverSeconds = (await serverCpu()) - serverBefore;
  await close(prepared);
  return {
    rate: count / seconds,
    own: ((own.user + own.system) / 1e6 / count) * 10_000,
    server: (serverSeconds / count) * 10_000,
  };
}

async function serverCpu() {
  const info = await redis.info('cpu');
  return Number(/used_cpu_user:([\d.]+)/.exec(info)[1]) + Number(/used_cpu_sys:([\d.]+)/.exec(info)[1]);
}

function report(what, measured) {
  const ours = median(measured.brokkr.map(({ rate }) => rate));
  for (const [name, all] of Object.entries(measured)) {
    const rates = all.map(({ rate }) => rate);
    const ratio = name === 'brokkr' ? '' : `brokkr / ${name} = ${(ours / median(rates)).toFixed(2)}`;
    const cpu = `CPU s/10k ${median(all.map(({ own }) => own)).toFixed(3)} + ${median(all.map(({ server: seconds }) => seconds)).toFixed(3)}`;
    console.log(
      `${what.padEnd(28)} ${name.padEnd(18)} ${String(Math.round(median(rates))).padStart(7)}/s (${Math.round(Math.min(...rates))} to ${Math.round(Math.max(...rates))})  ${cpu}  ${ratio}`,
    );
  }
}

async function memory() {
  const contenders = drains(bench);
  for (const name of ['brokkr', 'bullmq', 'list']) {
    await redis.flushall();
    const before = await used();
    const prepared = await contenders[name].prepare(10_000);
    console.log(`memory of a queued job  ${name.padEnd(8)} ${Math.round(((await used()) - before) / 10_000)} bytes`);
    await contenders[name].drain(prepared, 10_000, 50);
  }
}

async function used() {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))[1]);
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = probe.address();
      probe.close(() => resolve(free));
    });
  });
}
