import { randomUUID } from 'node:crypto';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ParsedMetrics, parseMetrics } from '../support/parse-metrics.ts';
import { promtool } from '../support/promtool.ts';
import { freePort, RedisServer } from '../support/redis-server.ts';
import { app, brokkr, endNow, type Run, until, workplace } from './brokkr.ts';

/** Its start hook waits until a file exists. */
const slowStart = join(import.meta.dirname, '..', 'fixtures', 'apps', 'slow-start.ts');
/** An application with other queues. */
const demonstrated = join(import.meta.dirname, '..', 'fixtures', 'apps', 'demonstrated.ts');
const LEASE_MS = 2_000;

/** A Redis and the environment of a worker on it. */
async function setUp() {
  const server = await RedisServer.start();
  onTestFinished(() => server.stop());
  const { env: own, folder, notes } = workplace();
  const env = { ...own, TASK_BROKER_URL: server.url, TASK_NAMESPACE: randomUUID(), TASK_LEASE: `${LEASE_MS}ms` };
  return { server, env, folder, notes, port: await freePort() };
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** What a path answers; status 0 if nothing answers within two seconds. */
async function get(port: number, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers, signal: AbortSignal.timeout(2_000) });
    return { status: response.status, body: await response.text() };
  } catch {
    return { status: 0, body: '' };
  }
}

async function status(port: number, path: string, wanted: number, timeout = 15_000): Promise<void> {
  await expect
    .poll(async () => (await get(port, path)).status, { timeout, interval: 100, message: `${path} answers ${wanted}` })
    .toBe(wanted);
}

async function metricsOf(port: number): Promise<ParsedMetrics> {
  return parseMetrics((await get(port, '/metrics')).body);
}

/** The ids of the worker processes that a supervisor started, from its log. */
function childrenOf(run: Run): readonly number[] {
  return [...run.output().matchAll(/"child":(\d+),"worker":"[^"]+","msg":"worker process started"/g)].map(([, pid]) =>
    Number(pid),
  );
}

/** Stops a process as SIGSTOP does. It is killed at the end of the test: a stopped process would outlive its parent. */
function pause(pid: number): void {
  process.kill(pid, 'SIGSTOP');
  onTestFinished(() => {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  });
}

async function send(env: NodeJS.ProcessEnv, task: string, ...args: string[]): Promise<void> {
  expect(await brokkr(['send', task, ...args, '-a', app], env).exited).toBe(0);
}

describe('brokkr worker --metrics-port', () => {
  it('serves metrics in both formats and the health of a worker, and closes with it', async () => {
    const { env, port } = await setUp();
    const run = brokkr(['worker', '-a', app, '-q', 'greetings', '--metrics-port', String(port)], env);
    await status(port, '/readyz', 200);
    await send(env, 'greet', 'Ada');
    await expect
      .poll(async () => (await metricsOf(port)).value('brokkr_tasks_total', { outcome: 'succeeded' }))
      .toBe(1);
    const { body } = await get(port, '/metrics');
    expect(promtool(['check', 'metrics'], body)).toEqual({ code: 0, output: '' });
    const metrics = parseMetrics(body);
    expect(metrics.value('brokkr_worker_info', { broker: 'redis' })).toBe(1);
    expect(metrics.value('brokkr_broker_up')).toBe(1);
    expect(metrics.value('brokkr_process_resident_bytes')).toBeGreaterThan(10_000_000);
    const openmetrics = await get(port, '/metrics', { accept: 'application/openmetrics-text' });
    expect(parseMetrics(openmetrics.body, 'openmetrics').value('brokkr_tasks_total')).toBe(1);
    expect(run.output()).toContain('"msg":"serving /metrics, /livez, /readyz and /startupz"');
    run.child.kill('SIGTERM');
    expect(await run.exited).toBe(0);
    expect((await get(port, '/livez')).status).toBe(0);
  }, 30_000);

  it('answers before the start hooks have run: live, neither started nor ready', async () => {
    const { env: own, folder, port } = await setUp();
    const database = join(folder, 'database');
    const env = { ...own, DATABASE_FILE: database };
    const run = brokkr(['worker', '-a', slowStart, '-q', 'greetings', '--metrics-port', String(port)], env);
    await status(port, '/livez', 200);
    expect(await get(port, '/startupz')).toMatchObject({ status: 503, body: expect.stringContaining('NOT_STARTED') });
    expect((await get(port, '/readyz')).status).toBe(503);
    writeFileSync(database, '');
    await status(port, '/startupz', 200);
    await status(port, '/readyz', 200);
    await endNow(run);
  }, 30_000);

  it('stays live and becomes unready within 31 s while the server is down, and is ready again after', async () => {
    const { env, port, server } = await setUp();
    const run = brokkr(['worker', '-a', app, '-q', 'greetings', '--metrics-port', String(port)], env);
    await status(port, '/readyz', 200);
    await server.kill();
    const killedAt = performance.now();
    // The worker is idle: the scrape asks the broker.
    await expect.poll(async () => (await metricsOf(port)).value('brokkr_broker_up'), { timeout: 5_000 }).toBe(0);
    const lives = new Set<number>();
    while ((await get(port, '/readyz')).status !== 503) {
      expect(performance.now() - killedAt).toBeLessThan(33_000);
      lives.add((await get(port, '/livez')).status);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(await get(port, '/readyz')).toMatchObject({ body: expect.stringContaining('BROKER_SILENT') });
    expect((await metricsOf(port)).value('brokkr_broker_up')).toBe(0);
    await server.run();
    await status(port, '/readyz', 200);
    lives.add((await get(port, '/livez')).status);
    expect([...lives]).toEqual([200]);
    expect((await metricsOf(port)).value('brokkr_broker_reconnects_total')).toBeGreaterThanOrEqual(1);
    await endNow(run);
  }, 90_000);

  it.each(['1', '2'])(
    'is refused with exit code 2 and one line if its port is in use, with -p %s',
    async (processes) => {
      const { env, port } = await setUp();
      const other = createServer().listen(port, '127.0.0.1');
      onTestFinished(() => void other.close());
      const run = brokkr(['worker', '-a', app, '-p', processes, '--metrics-port', String(port)], env);
      expect(await run.exited).toBe(2);
      expect(run.errors()).toBe(
        `error: cannot serve metrics on port ${port} of 127.0.0.1: it is in use; choose another with --metrics-port\n`,
      );
      expect(run.output()).not.toContain('worker started');
    },
    30_000,
  );

  it('reads TASK_METRICS_PORT, refuses what is not a port, and warns of an address that others reach', async () => {
    const { env, port } = await setUp();
    const wrong = brokkr(['worker', '-a', app], { ...env, TASK_METRICS_PORT: '99999' });
    expect(await wrong.exited).toBe(2);
    expect(wrong.errors()).toBe('error: TASK_METRICS_PORT: a port from 1 to 65535, got "99999"\n');
    const lonely = brokkr(['worker', '-a', app, '--metrics-host', '0.0.0.0'], env);
    expect(await lonely.exited).toBe(2);
    expect(lonely.errors()).toContain('--metrics-host needs a port');
    const open = { ...env, TASK_METRICS_PORT: String(port) };
    const run = brokkr(['worker', '-a', app, '-q', 'greetings', '--metrics-host', '0.0.0.0'], open);
    await status(port, '/livez', 200);
    expect(run.output()).toContain('to the network, without a password');
    await endNow(run);
  }, 30_000);
});

describe('brokkr worker -p 4 --metrics-port', () => {
  it('adds up to what one process reports, and keeps the counts of a process that died', async () => {
    const { env, port } = await setUp();
    const args = ['worker', '-a', app, '-q', 'greetings', '-p', '4', '-c', '1', '--metrics-port', String(port)];
    const run = brokkr(args, env);
    await status(port, '/startupz', 200);
    await status(port, '/readyz', 200);
    const messages = Array.from({ length: 12 }, (_, n) => send(env, 'greet', `n${n}`));
    await Promise.all(messages);
    const succeeded = async () => (await metricsOf(port)).value('brokkr_tasks_total', { outcome: 'succeeded' });
    await expect.poll(succeeded, { timeout: 10_000 }).toBe(12);
    const { body } = await get(port, '/metrics');
    expect(promtool(['check', 'metrics'], body)).toEqual({ code: 0, output: '' });
    const metrics = parseMetrics(body);
    expect(metrics.value('brokkr_task_run_seconds_count')).toBe(12);
    expect(metrics.value('brokkr_worker_slots')).toBe(4);
    expect(metrics.value('brokkr_worker_info')).toBe(1);
    expect(metrics.value('brokkr_worker_processes')).toBe(4);
    expect(metrics.value('brokkr_worker_processes_silent')).toBe(0);
    for (const pid of childrenOf(run)) process.kill(pid, 'SIGKILL');
    await until(() => childrenOf(run).length === 8, 'four other processes started');
    await status(port, '/readyz', 200);
    expect(await succeeded()).toBe(12);
    await endNow(run);
  }, 60_000);

  it('answers /livez with 503 while a process is stopped for longer than its lease, and counts it as silent', async () => {
    const { env, port } = await setUp();
    const run = brokkr(['worker', '-a', app, '-q', 'greetings', '-p', '2', '--metrics-port', String(port)], env);
    await status(port, '/readyz', 200);
    await send(env, 'greet', 'Ada');
    const total = async () => (await metricsOf(port)).value('brokkr_tasks_total', { outcome: 'succeeded' });
    await expect.poll(total).toBe(1);
    const [pid = 0] = childrenOf(run);
    pause(pid);
    await status(port, '/livez', 503, 4 * LEASE_MS);
    expect(await get(port, '/livez')).toMatchObject({ body: expect.stringContaining('PROCESS_SILENT') });
    const metrics = await metricsOf(port);
    expect(metrics.value('brokkr_worker_processes_silent')).toBe(1);
    // A sum that falls would be read as a restart.
    expect(metrics.value('brokkr_tasks_total', { outcome: 'succeeded' })).toBe(1);
    process.kill(pid, 'SIGCONT');
    await status(port, '/livez', 200);
    await status(port, '/readyz', 200);
    await endNow(run);
  }, 60_000);

  it('reports a broker that hangs as down, and no process as silent', async () => {
    const { server, env, port } = await setUp();
    const run = brokkr(['worker', '-a', app, '-q', 'greetings', '-p', '2', '--metrics-port', String(port)], env);
    await status(port, '/readyz', 200);
    await metricsOf(port);
    server.pause();
    const isUp = async () => (await metricsOf(port)).value('brokkr_broker_up');
    await expect.poll(isUp, { timeout: 20_000, interval: 100 }).toBe(0);
    for (let look = 0; look < 5; look++) {
      const metrics = await metricsOf(port);
      expect(metrics.value('brokkr_broker_up')).toBe(0);
      expect(metrics.value('brokkr_worker_processes_silent')).toBe(0);
      expect((await get(port, '/readyz')).body).not.toContain('PROCESS_SILENT');
    }
    server.resume();
    await expect.poll(isUp, { timeout: 20_000, interval: 100 }).not.toBe(0);
    await endNow(run);
  }, 60_000);
});

describe('brokkr worker --health-file', () => {
  it.each(['1', '2'])(
    'touches the file while it lives, not while it is stopped, and removes it, with -p %s',
    async (processes) => {
      const { env, folder } = await setUp();
      const path = join(folder, 'alive');
      const run = brokkr(['worker', '-a', app, '-q', 'greetings', '-p', processes, '--health-file', path], env);
      const ageMs = () => (existsSync(path) ? Date.now() - statSync(path).mtimeMs : Number.POSITIVE_INFINITY);
      const started = () => run.output().split('"msg":"worker started"').length - 1;
      await until(() => started() === Number(processes), 'every process started');
      // The first touch after this has asked every process.
      const askedAfter = Date.now() + 1_000;
      await until(() => existsSync(path) && statSync(path).mtimeMs > askedAfter, 'the file is young');
      const pid = processes === '1' ? (run.child.pid ?? 0) : (childrenOf(run)[0] ?? 0);
      pause(pid);
      await expect.poll(ageMs, { timeout: 4 * LEASE_MS + 5_000, interval: 100 }).toBeGreaterThan(LEASE_MS + 1_000);
      process.kill(pid, 'SIGCONT');
      await until(() => ageMs() < 1_500, 'the file is young again');
      await endNow(run);
      expect(existsSync(path)).toBe(false);
    },
    60_000,
  );

  it('is refused if it cannot be written', async () => {
    const { env, folder } = await setUp();
    const run = brokkr(['worker', '-a', app, '--health-file', join(folder, 'none', 'alive')], env);
    expect(await run.exited).toBe(2);
    expect(run.errors()).toMatch(/^error: --health-file: ENOENT/);
  }, 30_000);
});

describe('brokkr metrics', () => {
  it('prints the metrics of all queues, or of those that are named', async () => {
    const { env } = await setUp();
    await send(env, 'greet', 'Ada');
    const all = brokkr(['metrics', '--once', '-a', app], env);
    expect(await all.exited).toBe(0);
    expect(promtool(['check', 'metrics'], all.output())).toEqual({ code: 0, output: '' });
    const metrics = parseMetrics(all.output());
    expect(metrics.value('brokkr_queue_messages', { queue: 'greetings', state: 'ready' })).toBe(1);
    expect(metrics.value('brokkr_queue_oldest_seconds', { queue: 'greetings' })).toBeGreaterThan(0);
    expect(metrics.value('brokkr_broker_up')).toBe(1);
    // A queue of the application, in which no message was.
    const named = brokkr(['metrics', '--once', '-a', demonstrated, '--queues', 'working'], env);
    expect(await named.exited).toBe(0);
    expect(parseMetrics(named.output()).value('brokkr_queue_messages', { queue: 'working', state: 'ready' })).toBe(0);
    expect(named.output()).not.toContain('greetings');
    const unknown = brokkr(['metrics', '--once', '--queues', 'greetigns'], env);
    expect(await unknown.exited).toBe(2);
    expect(unknown.errors()).toBe('error: unknown queue greetigns; did you mean greetings?\n');
    const wrong = brokkr(['metrics', '--once', '--queues', 'a b'], env);
    expect(await wrong.exited).toBe(2);
    expect(wrong.errors()).toMatch(/^error: queue name "a b"/);
  }, 30_000);

  it('serves them until it is stopped, also while the server is down', async () => {
    const { env, port, server } = await setUp();
    await send(env, 'greet', 'Ada');
    const run = brokkr(['metrics', '--port', String(port)], { ...env, TASK_SEND_TIMEOUT: '1s' });
    await status(port, '/metrics', 200);
    expect((await metricsOf(port)).value('brokkr_queue_messages', { state: 'ready' })).toBe(1);
    await server.kill();
    await expect.poll(async () => (await metricsOf(port)).value('brokkr_broker_up'), { timeout: 15_000 }).toBe(0);
    await server.run();
    await expect.poll(async () => (await metricsOf(port)).value('brokkr_broker_up'), { timeout: 15_000 }).toBe(1);
    run.child.kill('SIGTERM');
    expect(await run.exited).toBe(0);
  }, 60_000);
});
