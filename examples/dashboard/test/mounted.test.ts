import { once } from 'node:events';
import { createServer, request as nodeRequest, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeDashboard } from '../src/dashboard.ts';
import { onExpress } from '../src/on-express.ts';
import { onFastify } from '../src/on-fastify.ts';
import { onHono } from '../src/on-hono.ts';
import { onNest } from '../src/on-nest.ts';
import { tm, welcome } from '../src/tasks.ts';

const PASSWORD = 'a password of this test';
const USER = { authorization: `Basic ${btoa(`ada:${PASSWORD}`)}` };
const CHANGE = { ...USER, 'x-brokkr': '1', 'content-type': 'application/json' };

const applications: Readonly<
  Record<string, (dashboard: ReturnType<typeof makeDashboard>) => Promise<RequestListener>>
> = {
  Express: async (dashboard) => onExpress(dashboard),
  Fastify: async (dashboard) => {
    const app = await onFastify(dashboard);
    onTestFinished(() => app.close());
    await app.ready();
    return (request, response) => void app.routing(request, response);
  },
  Hono: async (dashboard) => {
    const listener = getRequestListener(onHono(dashboard).fetch);
    return (request, response) => void listener(request, response);
  },
  Nest: async (dashboard) => {
    const app = await onNest(dashboard);
    onTestFinished(() => app.close());
    await app.init();
    return app.getHttpAdapter().getInstance();
  },
};

async function listen(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A proxy that passes `/ops/…` on, without that part of the path, or with it. */
function proxyTo(target: string, path: (given: string) => string): Promise<string> {
  return listen((incoming, outgoing) => {
    const { method, headers } = incoming;
    const passed = nodeRequest(
      `${target}${path(incoming.url ?? '/')}`,
      { method: method ?? 'GET', headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    incoming.pipe(passed);
  });
}

/** Uses the dashboard below `base`, as its page and a script do. */
async function useDashboard(base: string): Promise<void> {
  expect((await fetch(`${base}/api/v1/session`)).status).toBe(401);
  const session = await fetch(`${base}/api/v1/session`, { headers: USER });
  expect(await session.json()).toMatchObject({ who: 'ada', brokers: [{ name: 'shop', kind: 'memory' }] });
  const change = { method: 'POST', headers: CHANGE, body: '{}' };
  expect(await (await fetch(`${base}/api/v1/shop/queues/emails/pause`, change)).json()).toEqual({
    done: 1,
    missing: [],
  });
  expect(await tm.queue('emails').isPaused()).toBe(true);
  expect((await fetch(`${base}/api/v1/shop/queues/emails/resume`, change)).status).toBe(200);
  const lost = new AbortController();
  const live = await fetch(`${base}/api/v1/live?topics=queues`, { headers: USER, signal: lost.signal });
  const { value } = (await live.body?.getReader().read()) ?? {};
  expect(new TextDecoder().decode(value)).toContain(': live');
  lost.abort();
  const page = await fetch(base, { headers: USER, redirect: 'manual' });
  expect(page.status).toBe(308);
  expect(new URL(page.headers.get('location') ?? '', base).href).toBe(`${base}/`);
  expect([200, 503]).toContain((await fetch(`${base}/`, { headers: USER })).status);
}

describe.each(Object.entries(applications))('the dashboard in an application of %s', (_, make) => {
  async function mounted(): Promise<string> {
    await tm.initialize({ brokerUrl: 'memory:', logLevel: 'silent' });
    await welcome.send('ada@example.com', { token: 't' });
    onTestFinished(() => tm.close());
    const dashboard = makeDashboard(PASSWORD);
    onTestFinished(() => dashboard.close());
    return listen(await make(dashboard));
  }

  it('works under its path, and leaves the application alone', async () => {
    const origin = await mounted();
    await useDashboard(`${origin}/admin/tasks`);
    expect(await (await fetch(`${origin}/`)).text()).toBe('the shop');
  });

  it('works behind a proxy that strips a part of the path', async () => {
    const origin = await mounted();
    await useDashboard(`${await proxyTo(origin, (path) => path.replace(/^\/ops/, ''))}/ops/admin/tasks`);
  });

  it('works behind a proxy that passes the path on', async () => {
    const origin = await mounted();
    await useDashboard(`${await proxyTo(origin, (path) => path)}/admin/tasks`);
  });
});
