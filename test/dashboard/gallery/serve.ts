import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createBroker } from '@brokkr/core';
import { createDashboard, type LiveEvent, type MessageState } from '@brokkr/dashboard';
import { bulk, historyOf, NOW, overview, queues, schedules, session, tasks, workers } from './figures.ts';
import { groupsOf, messageOf, messagesOf } from './letters.ts';

/** The page of the dashboard with the figures of a made-up shop, which are always the same. */
export async function serveGallery(): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  // Of it only the page is used.
  const dashboard = createDashboard({
    brokers: { none: createBroker(`memory:${randomUUID()}`) },
    access: () => 'read',
  });
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://gallery.invalid');
    if (url.pathname.startsWith('/api/v1/')) answer(url, response);
    else dashboard.node(request as IncomingMessage, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await dashboard.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close };
}

function answer({ pathname, searchParams }: URL, response: ServerResponse): void {
  if (pathname.endsWith('/live')) {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of eventsOf((searchParams.get('topics') ?? '').split(','))) {
      response.write(`data: ${JSON.stringify(event)}\n\n`);
    }
    return;
  }
  const [, , ...path] = pathname.split('/').slice(1);
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(bodyOf(path, searchParams)));
}

function bodyOf(path: readonly string[], query: URLSearchParams): object {
  if (path[0] === 'session') return session;
  const [, list, queue, , id] = path;
  const listed = (items: readonly object[]) => ({ at: NOW, items });
  if (list === 'overview') return overview;
  if (list === 'queues' && path.length === 2) return listed(queues);
  if (list === 'queues' && id !== undefined) return messageOf(id);
  if (list === 'queues' && path[3] === 'messages') {
    return messagesOf((query.get('state') ?? 'dead') as MessageState, query.get('group'));
  }
  if (list === 'queues') return queues.find(({ name }) => name === queue) ?? {};
  if (list === 'history') return historyOf(query.get('queue') ?? undefined);
  if (list === 'dead') return groupsOf(query.get('queue'));
  const lists: Readonly<Record<string, readonly object[]>> = { tasks, workers, schedules, bulk };
  return listed(lists[list ?? ''] ?? []);
}

function eventsOf(topics: readonly string[]): readonly LiveEvent[] {
  const rows = { at: NOW, whole: true, gone: [] } as const;
  return topics.flatMap((topic): readonly LiveEvent[] => {
    if (topic === 'overview') return [{ topic, at: NOW, value: overview }];
    if (topic === 'queues') return [{ topic, ...rows, items: queues }];
    if (topic === 'workers') return [{ topic, ...rows, items: workers }];
    if (topic === 'tasks') return [{ topic, ...rows, items: tasks }];
    if (topic === 'bulk') return [{ topic, ...rows, items: bulk }];
    const value = queues.find(({ name }) => `queue:${name}` === topic);
    return value === undefined ? [] : [{ topic: `queue:${value.name}`, at: NOW, value }];
  });
}
