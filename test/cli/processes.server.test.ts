import { randomUUID } from 'node:crypto';
import { afterAll, expect, it } from 'vitest';
import { RedisServer, someRedis } from '../support/redis-server.ts';
import { app, brokkr, endNow, until, workplace } from './brokkr.ts';

const server = await someRedis();
afterAll(() => server.stop());

it('on Redis, the message of a killed process of worker -p runs again within two seconds, and its worker is not listed', async () => {
  const { env: own, notes } = workplace();
  const env = { ...own, TASK_BROKER_URL: server.url, TASK_NAMESPACE: `cli-${randomUUID()}` };
  await brokkr(['send', 'deaf', '-a', app], env).exited;
  const run = brokkr(['worker', '-a', app, '-q', 'greetings', '-p', '2', '-c', '1', '--worker-id', 'web'], env);
  await until(() => notes().length === 1, 'the task began');
  const pid = Number(/^deaf (\d+)/.exec(notes()[0] ?? '')?.[1]);
  const killedAt = performance.now();
  process.kill(pid, 'SIGKILL');
  await until(() => notes().length === 2, 'another process began it again');
  expect(performance.now() - killedAt).toBeLessThan(2_000);
  const listed = brokkr(['workers', '--json'], env);
  expect(await listed.exited).toBe(0);
  const workers = JSON.parse(listed.output()) as { id: string; pid: number }[];
  for (const { id } of workers) expect(id).toMatch(/^web-[12]:[0-9a-f]{8}$/);
  const pids = workers.map((worker) => worker.pid);
  expect(pids).not.toContain(pid);
  expect(pids.length).toBeGreaterThan(0);
  const stoppedAt = performance.now();
  await endNow(run);
  expect(performance.now() - stoppedAt).toBeLessThan(4_000);
}, 30_000);

it('a refused password ends worker and worker -p 2 with exit code 1, without a restart', async () => {
  const own = await RedisServer.start();
  try {
    for (const processes of ['1', '2']) {
      const env = { TASK_BROKER_URL: own.url.replace('//', '//nobody:wr0ng@') };
      const run = brokkr(['worker', '-a', app, '-p', processes], env);
      expect(await run.exited).toBe(1);
      expect(run.errors()).toMatch(/^error: Redis at \S+ refused: WRONGPASS/);
      expect(run.output() + run.errors()).not.toMatch(/starting another|wr0ng/);
    }
  } finally {
    await own.stop();
  }
}, 30_000);
