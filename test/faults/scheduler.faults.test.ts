import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { brokkr } from '../cli/brokkr.ts';
import { RedisServer } from '../support/redis-server.ts';
import { figures, until } from './fault-bench.ts';

const KILLS = 20;
const app = join(import.meta.dirname, '..', 'fixtures', 'apps', 'scheduled.ts');

const server = await RedisServer.start();
const redis = server.client();
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

function scheduler(): ChildProcess {
  return brokkr(['scheduler', '-a', app], { TASK_BROKER_URL: server.url }).child;
}

async function published(): Promise<number> {
  return Number((await redis.hget('brokkr:{beats}:counts', 'published')) ?? 0);
}

/** Whether the job's tick of this second was sent: its idempotency key is there. */
async function wasSent(second: number): Promise<boolean> {
  const key = createHash('sha1')
    .update(`beat:tick:beat:${second * 1_000}`)
    .digest('hex');
  return (await redis.exists(`brokkr:{beats}:key:${key}`)) === 1;
}

it(`schedulers that are killed in the middle of a tick, ${KILLS} times, send each tick once and miss none`, async () => {
  const schedulers = [scheduler(), scheduler(), scheduler()];
  await until(async () => (await published()) > 0, 20_000, 'the first tick was sent');
  // From a second on in which all of them surely run.
  const first = Math.floor(Date.now() / 1_000) + 3;
  await sleep(first * 1_000 - Date.now());
  for (let kill = 0; kill < KILLS; kill++) {
    // Within the milliseconds in which a tick is sent.
    await sleep(1_000 - (Date.now() % 1_000) + (kill % 10));
    const victim = schedulers.shift();
    victim?.kill('SIGKILL');
    schedulers.push(scheduler());
  }
  const last = Math.floor(Date.now() / 1_000) - 1;
  const seconds = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const sent = await Promise.all(seconds.map(wasSent));
  const gaps = sent.filter((was) => !was).length;
  const twins = (await published()) - (await redis.keys('brokkr:{beats}:key:*')).length;
  figures('schedulers killed mid-tick', { kills: KILLS, ticks: seconds.length, twins, gaps });
  expect({ twins, gaps }).toEqual({ twins: 0, gaps: 0 });
}, 120_000);
