// Compares this build with another built checkout: the processor time of a message, of the process and of Redis together.
// Each measurement has a new process, and the two take turns. Prints medians of the ratios this / other.
//
//   node bench/builds.mjs FOLDER [rounds]
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Redis } from 'ioredis';
import { median } from './median.mjs';

const own = fileURLToPath(import.meta.url);
const [first, ...rest] = process.argv.slice(2);
if (first === '--measure') await measure(...rest);
else await compare(resolve(first), Number(rest[0] ?? 7));

async function compare(other, rounds) {
  const port = await freePort();
  const server = spawn('redis-server', ['--port', String(port), '--save', ''], { stdio: 'ignore' });
  const redis = new Redis({ port, retryStrategy: () => 50, maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  await redis.ping();
  const builds = [resolve(own, '../..'), other];
  try {
    for (const [kind, concurrency] of [
      ['memory', 1],
      ['memory', 100],
      ['redis', 1],
      ['redis', 100],
    ]) {
      const ratios = [];
      for (let round = 0; round < rounds; round++) {
        const micros = new Map();
        for (const build of round % 2 === 0 ? builds : builds.toReversed()) {
          const args = [own, '--measure', build, kind, String(concurrency), String(port)];
          // Adapters are found from the folder in which a process starts.
          micros.set(build, Number(execFileSync(process.execPath, args, { cwd: build, encoding: 'utf8' })));
        }
        ratios.push(micros.get(builds[0]) / micros.get(other));
      }
      console.log(
        `${kind.padEnd(6)} concurrency ${String(concurrency).padStart(3)}  this / other = ${median(ratios).toFixed(2)}  (${ratios.map((ratio) => ratio.toFixed(2)).join(' ')})`,
      );
    }
  } finally {
    redis.disconnect();
    server.kill('SIGKILL');
  }
}

/** Prints the processor time of a message in microseconds. Each build is driven by its own bench. */
async function measure(build, kind, concurrencyText, port) {
  const concurrency = Number(concurrencyText);
  // So many that compiling the code, which takes longer the more there is of it, is a small part.
  const count = (kind === 'memory' ? 200_000 : 60_000) / (kind === 'redis' && concurrency === 1 ? 4 : 1);
  const load = (name) => import(pathToFileURL(resolve(build, 'bench', name)));
  const drain = kind === 'memory' ? await memory(load, concurrency) : await redisDrain(load, concurrency, port);
  await (await drain(count))();
  const run = await drain(count);
  const before = await drain.serverMicros();
  const usage = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(usage);
  console.log((user + system + (await drain.serverMicros()) - before) / count);
  process.exit(0);
}

async function memory(load, concurrency) {
  const { contenders } = await load('contenders.mjs');
  const drain = async (count) => () => contenders.brokkr(count, concurrency);
  return Object.assign(drain, { serverMicros: async () => 0 });
}

async function redisDrain(load, concurrency, port) {
  const { drains } = await load('redis-contenders.mjs');
  const redis = new Redis({ port: Number(port) });
  const { brokkr } = drains({ port, redis, url: `redis://127.0.0.1:${port}`, peers: () => ({}) });
  const drain = async (count) => {
    await redis.flushall();
    const prepared = await brokkr.prepare(count);
    return () => brokkr.drain(prepared, count, concurrency);
  };
  const serverMicros = async () => {
    const info = await redis.info('cpu');
    const seconds = (name) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)[1]);
    return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6;
  };
  return Object.assign(drain, { serverMicros });
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  return port;
}
