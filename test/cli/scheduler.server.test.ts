import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { RedisServer } from '../support/redis-server.ts';
import { app, brokkr, until, workplace } from './brokkr.ts';

const server = await RedisServer.start();
const redis = server.client();
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

const apps = join(import.meta.dirname, '..', 'fixtures', 'apps');
const scheduled = join(apps, 'scheduled.ts');
const schedulers = join(apps, 'schedulers.ts');

async function published(queue = 'beats'): Promise<number> {
  return Number((await redis.hget(`brokkr:{${queue}}:counts`, 'published')) ?? 0);
}

it('several schedulers on Redis send each tick once, even if they are killed one after the other', async () => {
  const env = { TASK_BROKER_URL: server.url };
  const run = () => brokkr(['scheduler', '-a', scheduled], env);
  const schedulers = [run(), run(), run()];
  await expect
    .poll(() => schedulers.every(({ output }) => output().includes('scheduler started')), { timeout: 15_000 })
    .toBe(true);
  const firstTick = Math.floor(Date.now() / 1_000);
  const before = await published();
  for (const kill of [true, true, false]) {
    const [next] = schedulers;
    const target = (await published()) + 2;
    await expect.poll(published, { timeout: 15_000, interval: 20 }).toBeGreaterThanOrEqual(target);
    if (!kill) break;
    next?.child.kill('SIGKILL');
    schedulers.shift();
  }
  const sent = (await published()) - before;
  const seconds = Math.floor(Date.now() / 1_000) - firstTick;
  expect(Math.abs(sent - seconds)).toBeLessThanOrEqual(1);
  // Every tick has its own key; as many messages as keys means that none was sent twice.
  expect((await redis.keys('brokkr:{beats}:key:*')).length).toBe(await published());
  const [last] = schedulers;
  last?.child.kill('SIGTERM');
  expect(await last?.exited).toBe(0);
}, 60_000);

it('a scheduler that starts while Redis is unreachable waits for it, and then sends', async () => {
  const late = await RedisServer.start();
  await late.kill();
  const run = brokkr(['scheduler', '-a', scheduled], { TASK_BROKER_URL: late.url, TASK_SEND_TIMEOUT: '1s' });
  await expect.poll(run.output, { timeout: 20_000 }).toMatch(/the broker is unreachable/);
  await expect.poll(run.output, { timeout: 20_000 }).toMatch(/scheduler started/);
  await late.run();
  const client = late.client();
  const sent = async () => Number((await client.hget('brokkr:{beats}:counts', 'published')) ?? 0);
  await expect.poll(sent, { timeout: 20_000 }).toBeGreaterThan(0);
  run.child.kill('SIGTERM');
  expect(await run.exited).toBe(0);
  client.disconnect();
  await late.stop();
}, 90_000);

it('a scheduler serves its metrics and health', async () => {
  const port = 20_000 + (process.pid % 10_000);
  const env = { TASK_BROKER_URL: server.url, TASK_METRICS_PORT: '1' };
  const run = brokkr(['scheduler', '-a', scheduled, '--metrics-port', String(port)], env);
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
    return { status: response?.status, text: (await response?.text()) ?? '' };
  };
  await expect.poll(async () => (await get('/readyz')).status, { timeout: 15_000 }).toBe(200);
  await expect
    .poll(async () => (await get('/metrics')).text, { timeout: 15_000 })
    .toMatch(/^brokkr_scheduler_ticks_total\{job_id="beat"\} [1-9]/m);
  const { text } = await get('/metrics');
  expect(text).toContain('brokkr_scheduler_leader{scheduler="default"} 1\n');
  expect(text).toContain('brokkr_scheduler_missed_total{job_id="nightly"} 0\n');
  expect(text).toMatch(/^brokkr_sends_total\{queue="beats",task="beat",result="stored"\} [1-9]/m);
  expect((await get('/livez')).status).toBe(200);
  const second = brokkr(['scheduler', '-a', scheduled, '--metrics-port', String(port)], env);
  expect(await second.exited).toBe(2);
  expect(second.errors()).toMatch(/cannot serve metrics on port \d+ of 127\.0\.0\.1: it is in use/);
  run.child.kill('SIGTERM');
  expect(await run.exited).toBe(0);
}, 60_000);

it('schedule list names job, trigger, zone, the next three runs and a pause', async () => {
  const { env } = workplace();
  await redis.hset('brokkr:state', 'schedule:paused:nightly', 'yes');
  const list = brokkr(['schedule', 'list', '-a', scheduled, '--json'], { ...env, TASK_BROKER_URL: server.url });
  expect(await list.exited).toBe(0);
  const jobs = JSON.parse(list.output()) as { nextRuns: string[] }[];
  expect(jobs).toMatchObject([
    { id: 'beat', task: 'beat', trigger: 'every 1 second', paused: false },
    { id: 'nightly', task: 'beat', trigger: 'cron hour 2', timezone: 'Asia/Shanghai', paused: true },
  ]);
  expect(jobs.map(({ nextRuns }) => nextRuns.length)).toEqual([3, 3]);
}, 30_000);

it('schedule list shows the jobs while another client holds the key of their pauses', async () => {
  const { env } = workplace();
  await redis.del('brokkr:state');
  await redis.lpush('brokkr:state', 'x');
  const list = brokkr(['schedule', 'list', '-a', scheduled], { ...env, TASK_BROKER_URL: server.url });
  expect(await list.exited).toBe(1);
  expect(list.output()).toMatch(/│ nightly +│ beat +│.*│ \? +│\n/);
  expect(list.errors()).toMatch(/^error: the pauses of jobs are unknown: the Redis key brokkr:state holds a list/);
  await redis.del('brokkr:state');
}, 30_000);

it('schedule list reports an unreachable broker, with exit code 1', async () => {
  const env = { TASK_BROKER_URL: 'redis://127.0.0.1:1', TASK_SEND_TIMEOUT: '300ms' };
  const list = brokkr(['schedule', 'list', '-a', scheduled], env);
  expect(await list.exited).toBe(1);
  expect(list.errors()).toMatch(/^error: .*ECONNREFUSED 127\.0\.0\.1:1[^\n]*TASK_BROKER_URL[^\n]*\n$/);
}, 30_000);

it('schedule list shows the jobs of every scheduler, and ends', async () => {
  await redis.hset('brokkr:state', 'schedule:paused:monthly', 'yes');
  const list = brokkr(['schedule', 'list', '-a', schedulers, '--json'], { TASK_BROKER_URL: server.url });
  expect(await list.exited).toBe(0);
  expect(JSON.parse(list.output())).toMatchObject([
    { id: 'hourly', paused: false },
    { id: 'yearly', paused: false },
    { id: 'monthly', paused: true },
  ]);
  await redis.hdel('brokkr:state', 'schedule:paused:monthly');
}, 30_000);

it('scheduler --broker applies to the task manager of every job, and a signal ends all of them', async () => {
  const run = brokkr(['scheduler', '-a', schedulers, '--broker', server.url], { TASK_BROKER_URL: 'memory:' });
  for (const queue of ['hours', 'years', 'months']) {
    await expect.poll(() => published(queue), { timeout: 10_000, interval: 20 }).toBeGreaterThan(0);
  }
  run.child.kill('SIGTERM');
  expect(await run.exited).toBe(0);
}, 30_000);

it('an application without jobs is wrong usage, with exit code 2', async () => {
  const run = brokkr(['scheduler', '-a', app], { TASK_BROKER_URL: server.url });
  expect(await run.exited).toBe(2);
  expect(run.errors()).toMatch(/has no jobs/);
  await until(() => run.output() === '', 'nothing was printed');
}, 30_000);
