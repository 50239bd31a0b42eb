import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import { serverFolder } from './server-folder.ts';

export interface RedisServerOptions {
  /** More lines for the server's command line, such as `--maxmemory 10mb`. */
  readonly args?: readonly string[];
  /** Starts a Sentinel on this file, which it rewrites, instead of a server. */
  readonly sentinelConfig?: string;
  /** Port of the server. @default a free one */
  readonly port?: number;
}

/** A Redis server for a test: a free port, a private folder and an append-only file. It leaves nothing behind. */
export class RedisServer {
  readonly port: number;
  readonly #folder: string;
  readonly #args: readonly string[];
  readonly #sentinelConfig: string | undefined;
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string, { args = [], sentinelConfig }: RedisServerOptions) {
    this.port = port;
    this.#folder = folder;
    this.#args = args;
    this.#sentinelConfig = sentinelConfig;
  }

  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const server = new RedisServer(options.port ?? (await freePort()), serverFolder('redis'), options);
    await server.run();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Returns a client for looking or for changes by another client. The caller disconnects it. */
  client(): Redis {
    return new Redis({ port: this.port, host: '127.0.0.1' });
  }

  /** Starts it on the data in its folder, and waits until it answers. */
  async run(): Promise<void> {
    const own = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#folder, '--loglevel', 'warning'];
    // A killed process loses nothing that it wrote, flushed to the disk or not. With `everysec` Redis puts a write off
    // while an earlier flush takes long, and a kill in that time loses it.
    const durable = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'no'];
    const args =
      this.#sentinelConfig === undefined
        ? [...own, ...durable, ...this.#args]
        : [this.#sentinelConfig, '--sentinel', ...own];
    this.#process = spawn('redis-server', args, { stdio: 'ignore' });
    const failed = once(this.#process, 'exit').then(() => {
      throw new Error('redis-server ended while it started');
    });
    await Promise.race([untilAnswering(this.port), failed]);
    failed.catch(() => undefined);
  }

  /** Ends the process like a power failure: without notice to its clients. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Stops the process at any instruction: connections stay open, and nothing is answered. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }

  async restart(): Promise<void> {
    await this.#end('SIGTERM');
    await this.run();
  }

  async stop(): Promise<void> {
    await this.#end('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const running = this.#process;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, 'exit');
    running.kill(signal);
    await ended;
  }
}

/**
 * Returns a server for a test that does not break it: that of `BROKKR_TEST_REDIS_URL`, else a new one. It may contain
 * data of other tests, so the caller uses its own namespace.
 */
export async function someRedis(): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const given = process.env.BROKKR_TEST_REDIS_URL;
  if (given !== undefined && given !== '') return { url: given, stop: async () => undefined };
  const server = await RedisServer.start();
  return { url: server.url, stop: () => server.stop() };
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was free');
  return address.port;
}

async function untilAnswering(port: number): Promise<void> {
  const client = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 10, maxRetriesPerRequest: null });
  client.on('error', () => undefined);
  try {
    await client.ping();
  } finally {
    client.disconnect();
  }
}
