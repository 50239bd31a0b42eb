// Ten thousand jobs: adding and starting them, their next runs in comparison with the cron library, the processor time
// of an idle scheduler, and how late ticks are sent. On a memory broker, or the one of TASK_BROKER_URL.
import { createRequire } from 'node:module';
import { createBroker, openBroker, TaskManager } from '@brokkr/core';
import { SchedulerManager } from '@brokkr/scheduler';
import { median } from './median.mjs';

const { Cron } = await import(createRequire(import.meta.resolve('@brokkr/scheduler')).resolve('croner'));

const JOBS = 10_000;
const ROUNDS = 5;
const RUNS = 10;
const IDLE_MS = 20_000;
const TICKS = 200;
const TICK_MS = 100;
const ZONES = ['Europe/Vienna', 'America/New_York', 'Asia/Shanghai', 'UTC'];

const broker = await openBroker(createBroker(process.env.TASK_BROKER_URL ?? 'memory:'));
const late = [];
const publish = broker.publish.bind(broker);
broker.publish = async (envelopes) => {
  const receipts = await publish(envelopes);
  for (const { headers } of envelopes) late.push(Date.now() - Date.parse(headers['scheduled-at']));
  return receipts;
};

const tm = TaskManager.getInstance().configure({ broker, logLevel: 'silent' });
const task = tm.task({ name: 'none', queueName: 'scheduler-bench' }, async () => undefined);

// None of them is due during the run.
const hours = Array.from({ length: 20 }, (_, index) => (new Date().getUTCHours() + 3 + index) % 24);
const job = (index) => ({ hour: hours[index % 20], minute: (index * 7) % 60, second: index % 60 });

const [adding, starting] = [[], []];
let scheduler;
for (let round = 0; round < ROUNDS; round++) {
  await scheduler?.stop();
  scheduler = SchedulerManager.getInstance(`bench-${round}`, { manager: tm });
  const added = timed(() => {
    for (let index = 0; index < JOBS; index++) {
      scheduler.addJob({ id: `job-${index}`, func: task.send, trigger: 'cron', timezone: 'UTC', ...job(index) });
    }
  });
  adding.push((await added).ms);
  starting.push((await timed(() => scheduler.start())).ms);
}
const library = await timed(() => {
  for (let index = 0; index < JOBS; index++) {
    const { hour, minute, second } = job(index);
    new Cron(`${second} ${minute} ${hour} * * *`, { timezone: 'UTC' }).nextRun();
  }
});
console.log(`croner alone, ${JOBS} lines compiled with their next run: ${library.ms.toFixed(0)} ms`);
console.log(
  `${JOBS} jobs: added in ${median(adding).toFixed(0)} ms, started in ${median(starting).toFixed(0)} ms (aim 1000)`,
);

// The library compiles a line to some 80 KiB. The most recently used lines stay compiled, and are shared.
for (const count of [200, 1_000]) {
  const lines = Array.from({ length: count }, (_, index) => [
    `${index % 60} ${(index * 7) % 60} ${index % 24} * * *`,
    ZONES[index % ZONES.length],
  ]);
  const crons = lines.map(([line, timezone]) => new Cron(line, { timezone }));
  const own = SchedulerManager.getInstance(`bench-runs-${count}`, { manager: tm });
  for (const [index, [cronLine, timezone]] of lines.entries()) {
    own.addJob({ id: `run-${index}`, func: task.send, trigger: 'cron', cronLine, timezone });
  }
  const [ours, theirs] = [[], []];
  for (let round = 0; round <= ROUNDS; round++) {
    const a = await timed(() => own.getJobs().map((one) => one.nextRuns(RUNS)));
    const b = await timed(() => crons.map((cron) => cron.nextRuns(RUNS)));
    if (round === 0) continue;
    ours.push(a.cpuMs);
    theirs.push(b.cpuMs);
  }
  const [mine, its] = [median(ours), median(theirs)];
  console.log(
    `${RUNS} next runs of ${count} lines: ${mine.toFixed(0)} ms of processor time, croner ${its.toFixed(0)} ms, ratio ${(mine / its).toFixed(2)} (aim 1)`,
  );
}

await new Promise((resolve) => setTimeout(resolve, 3_000));
const idle = await timed(() => new Promise((resolve) => setTimeout(resolve, IDLE_MS)));
console.log(
  `idle with ${JOBS} jobs: ${((100 * idle.cpuMs) / idle.ms).toFixed(2)} % of a core over ${IDLE_MS / 1_000} s (aim 1)`,
);

scheduler.addJob({ id: 'often', func: task.send, trigger: 'interval', seconds: TICK_MS / 1_000 });
while (late.length < TICKS) await new Promise((resolve) => setTimeout(resolve, TICK_MS));
const sorted = late.toSorted((a, b) => a - b);
const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
console.log(
  `${late.length} ticks, one each ${TICK_MS} ms: sent after p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, at most ${at(1)} ms (aim 50)`,
);

await scheduler.stop();
await tm.close();

async function timed(work) {
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await work();
  const ms = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpu);
  return { ms, cpuMs: (user + system) / 1_000 };
}
