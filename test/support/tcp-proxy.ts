import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** What a proxy does with bytes: passes them on, or drops them silently in one direction or both. */
export type ProxyMode = 'pass' | 'swallow-replies' | 'half-open';

/** A network between a client and a server that can fail. */
export class TcpProxy {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  mode: ProxyMode = 'pass';
  /** Port to which new connections lead. */
  targetPort: number;
  /** Delay of the next chunk, in milliseconds. Chunks stay in order. */
  latencyMs: () => number = () => 0;
  /** Whether the connection breaks instead of passing the next chunk. */
  breaks: () => boolean = () => false;

  private constructor(targetPort: number) {
    this.targetPort = targetPort;
    this.#server = createServer((client) => {
      const target = connect(this.targetPort, '127.0.0.1');
      const pair = [client, target] as const;
      this.#pairs.add(pair);
      for (const socket of pair) {
        socket.on('error', () => undefined);
        socket.on('close', () => {
          this.#pairs.delete(pair);
          for (const other of pair) other.destroy();
        });
      }
      const up = this.#way(pair, target);
      const down = this.#way(pair, client);
      client.on('data', (bytes) => {
        if (this.mode !== 'half-open') up(bytes);
      });
      target.on('data', (bytes) => {
        if (this.mode === 'pass') down(bytes);
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
    for (const pair of this.#pairs) breakPair(pair);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.reset();
    await closed;
  }

  /** One direction of a connection. */
  #way(pair: readonly [Socket, Socket], to: Socket): (bytes: Buffer) => void {
    const underway: Buffer[] = [];
    let freeAt = 0;
    return (bytes) => {
      if (this.breaks()) {
        breakPair(pair);
        return;
      }
      const now = performance.now();
      freeAt = Math.max(freeAt, now + this.latencyMs());
      if (freeAt <= now) {
        to.write(bytes);
        return;
      }
      underway.push(bytes);
      // Timers of one instant may fire in any order: each one passes on the next chunk.
      setTimeout(() => to.destroyed || to.write(underway.shift() as Buffer), freeAt - now);
    };
  }
}

function breakPair([client, target]: readonly [Socket, Socket]): void {
  client.resetAndDestroy();
  target.destroy();
}
