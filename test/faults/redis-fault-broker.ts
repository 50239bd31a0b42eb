import { RedisServer } from '../support/redis-server.ts';
import type { Dump, FaultBroker, FaultServer } from './fault-server.ts';

/** A private Redis server that can be broken. */
export class RedisFaultServer implements FaultServer {
  readonly redis: RedisServer;

  private constructor(redis: RedisServer) {
    this.redis = redis;
  }

  static async start(args: readonly string[] = []): Promise<RedisFaultServer> {
    return new RedisFaultServer(await RedisServer.start({ args }));
  }

  get url(): string {
    return this.redis.url;
  }

  get port(): number {
    return this.redis.port;
  }

  urlAt(port: number): string {
    return `redis://127.0.0.1:${port}`;
  }

  kill(): Promise<void> {
    return this.redis.kill();
  }

  pause(): void {
    this.redis.pause();
  }

  resume(): void {
    this.redis.resume();
  }

  run(): Promise<void> {
    return this.redis.run();
  }

  stop(): Promise<void> {
    return this.redis.stop();
  }

  breakConnections(): Promise<void> {
    return this.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  }

  /** Runs one command on a new connection. */
  async command(name: string, ...args: string[]): Promise<void> {
    const client = this.redis.client();
    try {
      await client.call(name, ...args);
    } finally {
      client.disconnect();
    }
  }

  async dump(namespace: string, queue: string): Promise<Dump> {
    const client = this.redis.client();
    const key = (name: string) => `${namespace}:{${queue}}:${name}`;
    try {
      const answers = await client
        .multi()
        .lrange(key('ready'), 0, -1)
        .zrange(key('delayed'), 0, '-1')
        .zrange(key('leases'), 0, '-1')
        .zrange(key('dead'), 0, '-1')
        .exec();
      const [ready, delayed, held, dead] = (answers ?? []).map(([, ids]) => ids as string[]);
      return { ready: ready ?? [], delayed: delayed ?? [], held: held ?? [], dead: dead ?? [] };
    } finally {
      client.disconnect();
    }
  }
}

export const redisUnderFaults: FaultBroker<RedisFaultServer> = {
  name: 'Redis',
  fences: true,
  start: () => RedisFaultServer.start(),
  // The lease, the period of five seconds (plus a fifth) in which expired leases are returned, and half a second.
  recoveryMs: (leaseMs) => leaseMs + 1.2 * 5_000 + 500,
};
