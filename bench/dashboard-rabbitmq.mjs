import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createBroker, openBroker } from '@brokkr/core';
import { command, DashboardProcess, medianMs } from './dashboard-process.mjs';
import { RabbitServer } from './dashboard-servers.mjs';

const LETTERS = Math.min(20_000, Number(process.env.BROKKR_BENCH_COUNT ?? 20_000));
const QUEUES = Math.min(200, Number(process.env.BROKKR_BENCH_QUEUES ?? 200));
const PAGES = 10;
const RETRIES = 10;
const BATCH = 1_000;
const app = fileURLToPath(new URL('many-queues.mjs', import.meta.url));

export async function run() {
  const server = await RabbitServer.start();
  const env = { TASK_BROKER_URL: server.url, BROKKR_BENCH_QUEUES: String(QUEUES) };
  const broker = await openBroker(createBroker(server.url));
  try {
    console.log(`RabbitMQ: filling ${QUEUES} queues, ${LETTERS} dead letters in one of them`);
    await fill(broker);
    const dashboard = await DashboardProcess.start(['-a', app], env);
    try {
      await dashboard.openPages(PAGES);
      const { items } = await untilSampled(dashboard);
      console.log(`queues shown: ${items.length}`);
      const [{ name }] = (await dashboard.get('session')).brokers;
      for (const path of ['overview', 'queues', 'dead/groups', 'history', 'bulk']) {
        const ms = await medianMs(() => dashboard.get(`${name}/${path}`));
        console.log(`${`${name}/${path}`.padEnd(24)} ${ms.toFixed(0).padStart(5)} ms`);
      }
      await retries(dashboard, name, env);
      console.log(`dead letters left: ${(await broker.inspector.counts('queue-0')).dead} of ${LETTERS}`);
      console.log(`memory of the dashboard: ${(await dashboard.residentMb()).toFixed(0)} MB`);
    } finally {
      await dashboard.stop();
    }
  } finally {
    await broker.close();
    await server.stop();
  }
}

/** `brokkr dead retry ID`, while the pages look at the dead letters as fast as they are answered. */
async function retries(dashboard, name, env) {
  let isOver = false;
  let looks = 0;
  const looking = (async () => {
    while (!isOver) {
      await dashboard.post(`${name}/queues/queue-0/look`, { state: 'dead' });
      looks++;
      await sleep(100);
    }
  })();
  const times = [];
  for (let at = 0; at < RETRIES; at++) {
    const id = `d-${Math.floor((at * LETTERS) / RETRIES)}`;
    const began = performance.now();
    const { stdout } = await promisify(execFile)(process.execPath, [command, 'dead', 'retry', 'queue-0', id], {
      env: { ...process.env, ...env },
    });
    times.push(performance.now() - began);
    if (!/\b1\b/.test(stdout)) throw new Error(`dead retry ${id} printed ${stdout}`);
  }
  isOver = true;
  await looking;
  times.sort((a, b) => a - b);
  const seconds = (ms) => `${(ms / 1_000).toFixed(1)} s`;
  console.log(
    `dead retry ID beside ${PAGES} pages and ${looks} looks: ${RETRIES} of ${RETRIES} retried, median ${seconds(times[RETRIES / 2])}, longest ${seconds(times.at(-1))}`,
  );
}

async function fill(broker) {
  const headers = { 'brokkr-task': 'task-0', 'brokkr-at': String(Date.now()) };
  const body = Buffer.from('[{"order":48817}]');
  const queues = Array.from({ length: QUEUES }, (_, index) => `queue-${index}`);
  // In parts: a busy server needs many seconds to declare 200 quorum queues.
  for (let from = 0; from < QUEUES; from += 20) {
    await broker.publish(queues.slice(from, from + 20).map((queue) => ({ id: `r-${queue}`, queue, body, headers })));
  }
  const dead = { ...headers, 'brokkr-reason': 'Error: renderer said 502', 'brokkr-dead-at': String(Date.now()) };
  for (let from = 0; from < LETTERS; from += BATCH) {
    const letters = Array.from({ length: Math.min(BATCH, LETTERS - from) }, (_, index) => ({
      ...{ id: `d-${from + index}`, queue: 'queue-0.dead', body, headers: dead },
    }));
    await broker.inspector.bury('queue-0', letters);
  }
}

async function untilSampled(dashboard) {
  const [{ name }] = (await dashboard.get('session')).brokers;
  for (;;) {
    const queues = await dashboard.get(`${name}/queues`);
    if (queues.items.some(({ counts }) => counts.dead > 0)) return queues;
    await sleep(500);
  }
}
