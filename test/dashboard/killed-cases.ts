import { randomUUID } from 'node:crypto';
import type { BulkJob } from '@brokkr/dashboard';
import { TaskManager } from '@brokkr/core';
import { type Broker, pagesOf } from '@brokkr/core/adapter';
import { expect, it, onTestFinished } from 'vitest';
import { app, brokkr, until } from '../cli/brokkr.ts';
import { freePort } from '../support/redis-server.ts';

const WAIT = { timeout: 30_000, interval: 5 };
/** Letters that a job changes in one step. */
const BATCH = 500;

interface KilledOptions {
  readonly letters: number;
  /** Whether a letter of the batch in progress may be both dead and ready. */
  readonly mayDouble: boolean;
}

/** Kills `brokkr dashboard` with SIGKILL in the middle of a bulk job. */
export function killedCase(url: () => string, { letters, mayDouble }: KilledOptions): void {
  it('loses no letter if it is killed during a bulk job, and the next dashboard reports the job', async () => {
    const namespace = `n${randomUUID().slice(0, 8)}`;
    const tm = TaskManager.getInstance(randomUUID());
    await tm.initialize({ brokerUrl: url(), namespace, logLevel: 'silent' });
    onTestFinished(() => tm.close());
    const broker = await tm.broker();
    const ids = Array.from({ length: letters }, (_, index) => `l-${index}`);
    await bury(broker, ids);
    const env = { TASK_BROKER_URL: url(), TASK_NAMESPACE: namespace, TASK_LOG_LEVEL: 'silent' };

    const first = await openDashboard(env);
    const request = { do: 'retry', queue: 'greetings', filter: {}, confirm: 'greetings' };
    await first.post('bulk', { ...request, expect: letters });
    await expect.poll(async () => (await first.jobs())[0]?.done, WAIT).toBeGreaterThan(0);
    first.kill();
    await first.exited;

    const second = await openDashboard(env);
    const [job] = await second.jobs();
    expect(job).toMatchObject({ do: 'retry', queue: 'greetings', state: 'running', isElsewhere: true, total: letters });
    const dead = await idsIn(broker, 'dead', letters);
    const counts = await tm.queue('greetings').counts();
    expect(dead.length).toBeLessThan(letters);
    expect(dead.length).toBeGreaterThan(0);
    expect(job?.done).toBeLessThanOrEqual(counts.ready ?? 0);
    const doubled = (counts.ready ?? 0) + dead.length - letters;
    expect(doubled).toBeGreaterThanOrEqual(0);
    expect(doubled).toBeLessThanOrEqual(mayDouble ? BATCH : 0);

    await second.post('bulk', { ...request, expect: dead.length });
    await expect.poll(async () => (await second.jobs())[0], WAIT).toMatchObject({ state: 'done', done: dead.length });
    const ran: string[] = [];
    const worker = tm.createWorker({ queues: ['greetings'], concurrency: 50 });
    tm.task({ name: 'note', queueName: 'greetings' }, async (id: string) => void ran.push(id));
    await worker.start();
    await expect.poll(() => ran.length, WAIT).toBe(letters + doubled);
    expect(new Set(ran).size).toBe(letters);
    await worker.stop();
    expect(await tm.queue('greetings').counts()).toMatchObject({ ready: 0, dead: 0 });
  }, 90_000);
}

async function bury(broker: Broker, ids: readonly string[]): Promise<void> {
  for (let from = 0; from < ids.length; from += 1_000) {
    const letters = ids.slice(from, from + 1_000).map((id) => ({
      ...{ id, queue: 'greetings.dead', body: Buffer.from(JSON.stringify([id])) },
      headers: { 'brokkr-task': 'note', 'brokkr-at': '1', 'brokkr-reason': 'Error: no' },
    }));
    await broker.inspector?.bury?.('greetings', letters);
  }
}

/** Deliveries of the killed process return within moments. */
async function idsIn(broker: Broker, state: 'dead', most: number): Promise<readonly string[]> {
  const inspector = broker.inspector as NonNullable<Broker['inspector']>;
  const ids: string[] = [];
  for await (const items of pagesOf(inspector, 'greetings', state))
    ids.push(...items.map(({ envelope }) => envelope.id));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.length).toBeLessThanOrEqual(most);
  return ids;
}

/** A process of `brokkr dashboard`, and its API. */
async function openDashboard(env: NodeJS.ProcessEnv) {
  const port = await freePort();
  const run = brokkr(['dashboard', '--port', String(port), '-a', app], env);
  await until(() => run.output().includes('#t='), 'it prints its URL');
  const [, token] = /#t=([\w-]{32})/.exec(run.output()) ?? [];
  const api = `http://127.0.0.1:${port}/api/v1`;
  const changing = { 'x-brokkr': '1', 'content-type': 'application/json' };
  const login = await fetch(`${api}/login`, { method: 'POST', headers: changing, body: JSON.stringify({ token }) });
  const cookie = (login.headers.get('set-cookie') ?? '').split(';', 1)[0] as string;
  const { brokers } = (await (await fetch(`${api}/session`, { headers: { cookie } })).json()) as {
    brokers: readonly { name: string }[];
  };
  const base = `${api}/${brokers[0]?.name}`;
  return {
    kill: () => run.child.kill('SIGKILL'),
    exited: run.exited,
    post: async (path: string, body: object) => {
      const headers = { ...changing, cookie };
      const answer = await fetch(`${base}/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
      expect(answer.status, await answer.clone().text()).toBe(202);
    },
    /** Newest first. */
    jobs: async () => {
      const answer = await fetch(`${base}/bulk`, { headers: { cookie } });
      return ((await answer.json()) as { items: readonly BulkJob[] }).items;
    },
  };
}
