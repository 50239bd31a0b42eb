import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** What a proxy does with bytes: hand them on, or make them vanish in one direction or both while nobody is told. */
export type ProxyMode = 'pass' | 'swallow-replies' | 'half-open';

/** A network between a client and a server that can break in the ways networks do. */
export class TcpProxy {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  mode: ProxyMode = 'pass';

  private constructor(targetPort: number) {
    this.#server = createServer((client) => {
      const target = connect(targetPort, '127.0.0.1');
      const pair = [client, target] as const;
      this.#pairs.add(pair);
      for (const socket of pair) {
        socket.on('error', () => undefined);
        socket.on('close', () => {
          this.#pairs.delete(pair);
          for (const other of pair) other.destroy();
        });
      }
      client.on('data', (bytes) => {
        if (this.mode !== 'half-open') target.write(bytes);
      });
      target.on('data', (bytes) => {
        if (this.mode === 'pass') client.write(bytes);
      });
    });
  }

  static async open(targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** Breaks every connection, as a reset does. */
  reset(): void {
    for (const [client, target] of this.#pairs) {
      client.resetAndDestroy();
      target.destroy();
    }
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.reset();
    await closed;
  }
}
