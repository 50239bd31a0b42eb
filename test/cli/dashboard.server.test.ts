import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort, RedisServer } from '../support/redis-server.ts';
import { app, brokkr, until, workplace } from './brokkr.ts';

async function setUp() {
  const server = await RedisServer.start();
  onTestFinished(() => server.stop());
  const env = { ...workplace().env, TASK_BROKER_URL: server.url, TASK_NAMESPACE: randomUUID() };
  return { server, env, port: await freePort() };
}

describe('brokkr dashboard', () => {
  it('prints a URL whose token gives access on loopback, and stops at SIGTERM with live pages open', async () => {
    const { env, port } = await setUp();
    expect(await brokkr(['send', 'greet', 'Ada', '-a', app], env).exited).toBe(0);
    const run = brokkr(['dashboard', '--port', String(port)], env);
    await until(() => run.output().includes('#t='), 'it prints its URL');
    const [, token] = /serving http:\/\/127\.0\.0\.1:\d+\/#t=([\w-]{32})\n/.exec(run.output()) ?? [];
    const api = `http://127.0.0.1:${port}/api/v1`;
    expect((await fetch(`${api}/session`)).status).toBe(401);
    const headers = { 'x-brokkr': '1', 'content-type': 'application/json' };
    const login = await fetch(`${api}/login`, { method: 'POST', headers, body: JSON.stringify({ token }) });
    const cookie = (login.headers.get('set-cookie') ?? '').split(';', 1)[0] as string;
    const session = await (await fetch(`${api}/session`, { headers: { cookie } })).json();
    expect(session).toMatchObject({
      who: 'local',
      brokers: [{ name: 'redis', kind: 'redis' }],
      can: { operate: true },
    });
    const queues = await (await fetch(`${api}/redis/queues`, { headers: { cookie } })).json();
    expect(queues).toMatchObject({ items: [{ name: 'greetings', counts: { ready: 1 } }] });
    const paused = await fetch(`${api}/redis/queues/greetings/pause`, {
      method: 'POST',
      headers: { ...headers, cookie },
      body: '{}',
    });
    expect(paused.status).toBe(200);
    await until(() => run.output().includes('local: pause redis greetings (1)'), 'it prints the change');
    const live = await fetch(`${api}/live`, { headers: { cookie } });
    run.child.kill('SIGTERM');
    expect(await run.exited).toBe(0);
    await live.text().catch(() => undefined);
  }, 60_000);

  it('with a password beyond loopback, from the environment, and read-only', async () => {
    const { env, port } = await setUp();
    const run = brokkr(['dashboard', '--port', String(port), '--host', '0.0.0.0', '--read-only'], {
      ...env,
      TASK_DASHBOARD_AUTH: 'ada:secret',
    });
    await until(() => run.output().includes('without encryption'), 'it warns');
    expect(run.output()).not.toContain('secret');
    const session = await fetch(`http://127.0.0.1:${port}/api/v1/session`, {
      headers: { authorization: `Basic ${btoa('ada:secret')}` },
    });
    expect(await session.json()).toMatchObject({ who: 'ada', readOnly: true, can: { operate: false } });
    run.child.kill('SIGTERM');
    expect(await run.exited).toBe(0);
  }, 60_000);

  it.each([
    [['--host', '0.0.0.0'], 'give --auth user:password'],
    [['--auth', 'ada'], '--auth must be user:password'],
    [['--url', 'memory:'], 'which lives in one process'],
  ])(
    '%j is wrong usage',
    async (args, message) => {
      const run = brokkr(['dashboard', ...args], workplace().env);
      expect(await run.exited).toBe(2);
      expect(run.errors()).toContain(message);
    },
    30_000,
  );

  it('says that its port is in use', async () => {
    const { env, port } = await setUp();
    const other = createServer().listen(port, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => void other.close());
    const run = brokkr(['dashboard', '--port', String(port)], env);
    expect(await run.exited).toBe(2);
    expect(run.errors()).toContain(
      `cannot serve the dashboard on port ${port} of 127.0.0.1: it is in use; choose another with --port`,
    );
  }, 30_000);
});
