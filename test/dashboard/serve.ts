import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Dashboard } from '@brokkr/dashboard';
import { onTestFinished } from 'vitest';

/** Serves a dashboard on a free port until the test ends. @returns its address, with a slash at the end */
export function serve(dashboard: Dashboard): Promise<string> {
  return listen(createServer(dashboard.node));
}

interface ProxyOptions {
  /** Path under which it passes requests on, such as `/a/b`. */
  readonly prefix: string;
  /** Whether the server behind it gets the path without the prefix. */
  readonly strips: boolean;
  /** Paths that it refuses. */
  readonly refuses?: (path: string) => boolean;
}

/** A proxy in front of a server. */
export async function serveProxy(target: string, { prefix, strips, refuses }: ProxyOptions): Promise<string> {
  const proxy = createServer((incoming, outgoing) => {
    const path = incoming.url ?? '/';
    if (!path.startsWith(`${prefix}/`) || refuses?.(path) === true) {
      outgoing.writeHead(404).end();
      return;
    }
    const { port, hostname } = new URL(target);
    const options = {
      port,
      hostname,
      method: incoming.method,
      path: strips ? path.slice(prefix.length) : path,
      headers: incoming.headers,
    };
    const passed = request(options, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    outgoing.on('close', () => passed.destroy());
    incoming.pipe(passed);
  });
  return `${(await listen(proxy)).slice(0, -1)}${prefix}/`;
}

/** A server that ends with the test, together with its open streams. */
export function listen(server: Server): Promise<string> {
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`));
  });
}
