import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { Dashboard } from '@brokkr/dashboard';
import { portRefused } from '../monitoring/port-refused.ts';

const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;
const MOST_CONNECTIONS = 500;
const MOST_HEADER_BYTES = 16_384;

/** The HTTP server of the dashboard. */
export class DashboardServer {
  readonly #server: Server;

  /** Opens the port. @throws UsageError if it cannot be opened */
  static async open(port: number, host: string, dashboard: Dashboard): Promise<DashboardServer> {
    const server = createServer(
      { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS, maxHeaderSize: MOST_HEADER_BYTES },
      dashboard.node,
    );
    server.maxConnections = MOST_CONNECTIONS;
    try {
      server.listen(port, host);
      await once(server, 'listening');
    } catch (error) {
      const what = 'the dashboard';
      throw portRefused(error as NodeJS.ErrnoException, { what, port, host, option: '--port' });
    }
    // Without a listener, an error of a later connection would end the process.
    server.on('error', () => undefined);
    return new DashboardServer(server);
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
