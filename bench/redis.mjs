// Redis broker against peers and the raw client: the same payload of 107 bytes, a no-op handler, one private server.
// Rounds are interleaved, so that a noisy machine is noisy for all. Prints medians and ratios of this run, and CPU
// seconds for 10,000 jobs as worker + server.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { median } from './median.mjs';
import { drains, enqueues, latencies } from './redis-contenders.mjs';
import { delays } from './redis-delays.mjs';
import { together, togetherContenders } from './redis-together.mjs';

const ROUNDS = Number(process.env.BROKKR_BENCH_ROUNDS ?? 5);
const COUNT = Number(process.env.BROKKR_BENCH_COUNT ?? 50_000);
/** Queued jobs whose memory is measured: so many that the buffers of connections are negligible. */
const MANY = 100_000;
/** `BROKKR_BENCH_ONLY=drain,idle` runs only these. */
const ONLY = process.env.BROKKR_BENCH_ONLY?.split(',');

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

const sections = {
  async drain() {
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
  },
  async enqueue() {
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
  },
  async together() {
    const contenders = Object.fromEntries(togetherContenders.map((name) => [name, name]));
    const measured = await interleaved(contenders, async (name) => {
      const before = await serverCpu();
      const { rate, own, producer } = await together(name, port, COUNT);
      return { rate, own, producer, server: (((await serverCpu()) - before) / COUNT) * 10_000 };
    });
    report('produce and consume together', measured);
  },
  async idle() {
    const all = await lateness(latencies(bench), (measure) => measure(100));
    percentiles('idle latency', all);
  },
  async delayed() {
    const all = await lateness(delays(bench), (measure) => measure(5_000, 5_000));
    percentiles('lateness, 5,000 over 5 s', all);
  },
  memory,
  async heap() {
    await redis.flushall();
    const script = fileURLToPath(new URL('./redis-heap.mjs', import.meta.url));
    const child = spawn(process.execPath, ['--expose-gc', script, bench.url], { stdio: 'inherit' });
    await once(child, 'exit');
  },
};

try {
  for (const name of ONLY ?? Object.keys(sections)) await sections[name]();
} finally {
  redis.disconnect();
  server.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
}

/** Measures milliseconds in all rounds, interleaved too. */
async function lateness(contenders, measure) {
  const rounds = await interleaved(contenders, measure);
  return Object.fromEntries(Object.entries(rounds).map(([name, all]) => [name, all.flat().toSorted((a, b) => a - b)]));
}

function percentiles(what, all) {
  const at = (values, share) => values[Math.floor(values.length * share)];
  for (const [name, values] of Object.entries(all)) {
    const [p50, p99] = [at(values, 0.5), at(values, 0.99)];
    const ratio = `brokkr / ${name} = ${(at(all.brokkr, 0.5) / p50).toFixed(2)} (p50), ${(at(all.brokkr, 0.99) / p99).toFixed(2)} (p99)`;
    console.log(
      `${what.padEnd(28)} ${name.padEnd(18)} p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms  ${name === 'brokkr' ? '' : ratio}`,
    );
  }
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
  const of = (all, figure) => median(all.map((one) => one[figure]));
  const cpu = (all) => of(all, 'own') + of(all, 'server');
  for (const [name, all] of Object.entries(measured)) {
    const rates = all.map(({ rate }) => rate);
    const ratio = `brokkr / ${name} = ${(of(measured.brokkr, 'rate') / median(rates)).toFixed(2)}, its CPU / ${(cpu(all) / cpu(measured.brokkr)).toFixed(2)}`;
    const producer = all[0].producer === undefined ? '' : ` (producer ${of(all, 'producer').toFixed(3)})`;
    console.log(
      `${what.padEnd(28)} ${name.padEnd(18)} ${String(Math.round(median(rates))).padStart(7)}/s (${Math.round(Math.min(...rates))} to ${Math.round(Math.max(...rates))})  CPU s/10k ${of(all, 'own').toFixed(3)} + ${of(all, 'server').toFixed(3)}${producer}  ${name === 'brokkr' ? '' : ratio}`,
    );
  }
}

async function memory() {
  const contenders = drains(bench);
  for (const name of ['brokkr', 'bullmq', 'list']) {
    await redis.flushall();
    const before = await used();
    const prepared = await contenders[name].prepare(MANY);
    console.log(`memory of a queued job  ${name.padEnd(8)} ${Math.round(((await used()) - before) / MANY)} bytes`);
    await contenders[name].drain(prepared, MANY, 50);
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
