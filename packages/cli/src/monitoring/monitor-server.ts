import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { monitor as Monitor, MonitorSource } from '@brokkr/core/metrics';
import { portRefused } from './port-refused.ts';

/** A request must arrive, and be answered, in this time. */
const REQUEST_MS = 10_000;
/** Scrapers and probes are few. More connections are a mistake, or an attack. */
const MOST_CONNECTIONS = 100;
const MOST_HEADER_BYTES = 8_192;

/** The HTTP server of the metrics and the health of this process. */
export class MonitorServer {
  readonly #server: Server;

  /**
   * Opens the port.
   *
   * @param option that chose the port, for the error
   * @throws UsageError if the port cannot be opened
   */
  static async open(port: number, host: string, source: MonitorSource, option: string): Promise<MonitorServer> {
    const { monitor } = await import('@brokkr/core/metrics');
    const server = createServer(
      { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, maxHeaderSize: MOST_HEADER_BYTES },
      (request, response) => void answer(monitor, source, request, response),
    );
    server.maxConnections = MOST_CONNECTIONS;
    try {
      server.listen(port, host);
      await once(server, 'listening');
    } catch (error) {
      throw portRefused(error as NodeJS.ErrnoException, { what: 'metrics', port, host, option });
    }
    // Without a listener, an error of a later connection would end the process.
    server.on('error', () => undefined);
    return new MonitorServer(server);
  }

  private constructor(server: Server) {
    this.#server = server;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
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
