import type { IncomingMessage, ServerResponse } from 'node:http';
import type { monitor as Monitor, MonitorSource } from '@brokkr/core/metrics';
import { BoundedServer, type ServerBounds } from '../http/bounded-server.ts';

/** Scrapers and probes are few. More connections are a mistake, or an attack. */
const BOUNDS: ServerBounds = { headersMs: 10_000, requestMs: 10_000, connections: 100, headerBytes: 8_192 };

/**
 * Opens the port that serves the metrics and the health of this process.
 *
 * @param option that chose the port, for the error
 * @throws UsageError if the port cannot be opened
 */
export async function openMonitor(
  port: number,
  host: string,
  source: MonitorSource,
  option: string,
): Promise<BoundedServer> {
  const { monitor } = await import('@brokkr/core/metrics');
  return BoundedServer.open(
    { what: 'metrics', port, host, option },
    BOUNDS,
    (request, response) => void answer(monitor, source, request, response),
  );
}

async function answer(
  monitor: typeof Monitor,
  source: MonitorSource,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = 'GET', url: path = '/', headers: given } = request;
  const { status, headers, body } = await monitor({ method, path, accept: given.accept }, source);
  // An unread body must not keep the connection.
  if (method !== 'GET' && method !== 'HEAD') response.shouldKeepAlive = false;
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
}
