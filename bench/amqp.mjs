// RabbitMQ broker against the raw client and rabbitmq-client: the same payload of 107 bytes, a no-op handler, durable
// quorum queues, persistent messages, confirms, one private server. Rounds are interleaved, so that a noisy machine is
// noisy for all. Prints medians and ratios of this run. BROKKR_BENCH_ONLY picks figures by a part of their names.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'amqplib';
import { contenders, drain, endToEnd, lateness, latencies, publishing } from './amqp-contenders.mjs';
import { median } from './median.mjs';

const ROUNDS = Number(process.env.BROKKR_BENCH_ROUNDS ?? 5);
const COUNT = Number(process.env.BROKKR_BENCH_COUNT ?? 20_000);
const ONLY = process.env.BROKKR_BENCH_ONLY ?? '';
/** Unit of the server's processor time, in seconds. */
const TICK = 1 / 100;

// The server of the tests is in TypeScript, which Node 20 does not read; the loader of the command line does.
const { createJiti } = createRequire(import.meta.resolve('@brokkr/cli'))('jiti');
const { RabbitServer } = await createJiti(import.meta.url).import('../test/support/rabbitmq-server.ts');
const server = await RabbitServer.start({ onDisk: true });
for (const end of ['uncaughtException', 'SIGINT', 'SIGTERM']) {
  process.once(end, async (reason) => {
    console.error(reason);
    await server.stop();
    process.exit(1);
  });
}

try {
  const serverPid = Number(/\d+/.exec(await server.control('eval', 'os:getpid().'))[0]);
  const admin = await connect(server.url);
  const all = contenders(server.url, createRequire(new URL('./peers/package.json', import.meta.url)));
  await figures(serverPid, admin, all);
  await admin.close();
} finally {
  await server.stop();
}

async function figures(serverPid, admin, all) {
  const empty = async ({ queue }) => {
    const channel = await admin.createChannel();
    channel.on('error', () => undefined);
    await channel.purgeQueue(queue).then(
      () => channel.close(),
      () => undefined,
    );
  };

  const measure = async (what, count, prepare) => {
    if (!what.includes(ONLY)) return;
    const measured = Object.fromEntries(Object.keys(all).map((name) => [name, []]));
    // The first round warms up.
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [name, contender] of Object.entries(all)) {
        await empty(contender);
        const { run, close } = await prepare(contender, count);
        const cost = await costOf(serverPid, run, count);
        await close?.();
        if (round > 0) measured[name].push(cost);
      }
    }
    report(what, measured);
  };

  for (const [what, publish] of Object.entries(publishing)) {
    await measure(what, COUNT, async (contender, count) => {
      const sender = await contender.sender();
      return { run: () => publish(sender, count), close: () => sender.close() };
    });
  }
  for (const [concurrency, count] of [
    [1, COUNT / 20],
    [10, COUNT / 2],
    [100, COUNT],
  ]) {
    await measure(`drain, concurrency ${concurrency}`, count, async (contender) => ({
      run: await drain(contender, count, concurrency),
    }));
  }
  await measure('end to end', COUNT, async (contender, count) => ({ run: await endToEnd(contender, count) }));
  if ('idle latency'.includes(ONLY)) await idle(all, empty);
  if ('delayed lateness'.includes(ONLY)) {
    const late = sorted(await lateness(server.url, 5_000, 5_000));
    console.log(`delayed lateness, 5,000 due over 5 s: ${quantiles(late, 0)}, first ${late[0]} ms`);
  }
}

async function idle(all, empty) {
  const measured = Object.fromEntries(Object.keys(all).map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, contender] of Object.entries(all)) {
      await empty(contender);
      const taken = await latencies(contender, 100);
      if (round > 0) measured[name].push(...taken);
    }
  }
  const ours = median(measured.brokkr);
  for (const [name, taken] of Object.entries(measured)) {
    const ratio = name === 'brokkr' ? '' : `brokkr / ${name} = ${(ours / median(taken)).toFixed(2)}`;
    console.log(`${'idle latency'.padEnd(24)} ${name.padEnd(16)} ${quantiles(sorted(taken), 2)}  ${ratio}`);
  }
}

/**
 * Measures messages a second, and CPU seconds of this process and of the server for 10,000 messages. Starting a
 * consumer is not part of a drain: `run` may report that the measurement begins now.
 */
async function costOf(serverPid, run, count) {
  const look = () => ({ at: performance.now(), own: process.cpuUsage(), server: serverCpu(serverPid) });
  let before = look();
  await run(() => {
    before = look();
  });
  const after = look();
  const own = after.own.user + after.own.system - before.own.user - before.own.system;
  return {
    rate: count / ((after.at - before.at) / 1_000),
    own: (own / 1e6 / count) * 10_000,
    server: ((after.server - before.server) / count) * 10_000,
  };
}

/** User and system time, after the name in parentheses. */
function serverCpu(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK;
}

function report(what, measured) {
  const ours = median(measured.brokkr.map(({ rate }) => rate));
  for (const [name, all] of Object.entries(measured)) {
    const rates = all.map(({ rate }) => rate);
    const ratio = name === 'brokkr' ? '' : `brokkr / ${name} = ${(ours / median(rates)).toFixed(2)}`;
    const cpu = `CPU s/10k ${median(all.map(({ own }) => own)).toFixed(2)} + ${median(all.map(({ server: seconds }) => seconds)).toFixed(2)}`;
    console.log(
      `${what.padEnd(24)} ${name.padEnd(16)} ${String(Math.round(median(rates))).padStart(6)}/s (${Math.round(Math.min(...rates))} to ${Math.round(Math.max(...rates))})  ${cpu}  ${ratio}`,
    );
  }
}

function sorted(values) {
  return values.toSorted((a, b) => a - b);
}

function quantiles(values, digits) {
  const at = (share) => values[Math.floor((values.length - 1) * share)].toFixed(digits);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}
