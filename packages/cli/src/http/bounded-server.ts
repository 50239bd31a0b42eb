import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { portRefused, type RefusedPort } from './port-refused.ts';

/** What any client may ask of a server. */
export interface ServerBounds {
  /** Time in which the headers of a request must arrive, in milliseconds. */
  readonly headersMs: number;
  /** Time in which a whole request must arrive, in milliseconds. */
  readonly requestMs: number;
  readonly connections: number;
  readonly headerBytes: number;
}

/** An HTTP server of a command, which no client can hold up. */
export class BoundedServer {
  readonly #server: Server;

  /** Opens the port. @throws UsageError if it cannot be opened */
  static async open(place: RefusedPort, bounds: ServerBounds, answer: RequestListener): Promise<BoundedServer> {
    const { headersMs, requestMs, connections, headerBytes } = bounds;
    const server = createServer(
      { headersTimeout: headersMs, requestTimeout: requestMs, maxHeaderSize: headerBytes },
      answer,
    );
    server.maxConnections = connections;
    try {
      server.listen(place.port, place.host);
      await once(server, 'listening');
    } catch (error) {
      throw portRefused(error as NodeJS.ErrnoException, place);
    }
    // Without a listener, an error of a later connection would end the process.
    server.on('error', () => undefined);
    return new BoundedServer(server);
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
