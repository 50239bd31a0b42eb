import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type ChannelModel, connect } from 'amqplib';
import { freePort } from './redis-server.ts';
import { serverFolder } from './server-folder.ts';

/** Debian's scripts on PATH require the user rabbitmq; these do not. */
const PROGRAMS = '/usr/lib/rabbitmq/bin';
const STARTS_WITHIN_MS = 60_000;

/**
 * A message that becomes due while a server starts may find that its next queue has no leader yet. The server tries
 * again after 180 s by default. docs/rabbitmq.md recommends the same setting.
 */
const RETRY_DEAD_LETTERING = '{dead_letter_worker_publisher_confirm_timeout, 2000}';

export interface RabbitServerOptions {
  /** Lines of `rabbitmq.conf`. */
  readonly config?: readonly string[];
  /** Erlang terms for the section `rabbit` of `advanced.config`. */
  readonly advanced?: readonly string[];
  /** For the nodes of one cluster: their common port mapper, and the cookie with which they authenticate. */
  readonly cluster?: RabbitCluster;
  /** Keeps its data on the disk, for a measurement. @default false: in memory, if there is room */
  readonly onDisk?: boolean;
}

/** The settings that nodes of one cluster share. */
export interface RabbitCluster {
  readonly epmdPort: number;
  readonly cookie: string;
}

/** A RabbitMQ node for a test: free ports, its own port mapper and a private folder. It leaves nothing behind. */
export class RabbitServer {
  readonly port: number;
  readonly node: string;
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #epmdPort: number;
  readonly #ownsEpmd: boolean;
  #epmd: ChildProcess | undefined;
  #process: ChildProcess | undefined;

  private constructor(port: number, distPort: number, epmdPort: number, options: RabbitServerOptions) {
    this.port = port;
    this.node = `brokkr-${port}@localhost`;
    this.#epmdPort = epmdPort;
    this.#ownsEpmd = options.cluster === undefined;
    this.#folder = serverFolder('rabbitmq', { onDisk: options.onDisk });
    const inFolder = (name: string) => join(this.#folder, name);
    for (const name of ['mnesia', 'log', 'schema', 'generated', 'home']) mkdirSync(inFolder(name));
    writeFileSync(inFolder('rabbitmq.conf'), `${['loopback_users = none', ...(options.config ?? [])].join('\n')}\n`);
    writeFileSync(
      inFolder('advanced.config'),
      `[{rabbit, [${[RETRY_DEAD_LETTERING, ...(options.advanced ?? [])]}]}].\n`,
    );
    writeFileSync(inFolder('plugins'), '[].\n');
    writeFileSync(inFolder('home/.erlang.cookie'), options.cluster?.cookie ?? `COOKIE${port}`, { mode: 0o400 });
    this.#env = {
      PATH: process.env.PATH,
      HOME: inFolder('home'),
      ERL_EPMD_PORT: String(epmdPort),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_NODENAME: this.node,
      RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_NODE_PORT: String(port),
      RABBITMQ_DIST_PORT: String(distPort),
      RABBITMQ_MNESIA_BASE: inFolder('mnesia'),
      RABBITMQ_LOG_BASE: inFolder('log'),
      RABBITMQ_SCHEMA_DIR: inFolder('schema'),
      RABBITMQ_GENERATED_CONFIG_DIR: inFolder('generated'),
      RABBITMQ_PID_FILE: inFolder('pid'),
      RABBITMQ_ENABLED_PLUGINS_FILE: inFolder('plugins'),
      RABBITMQ_CONF_ENV_FILE: inFolder('none'),
      RABBITMQ_CONFIG_FILE: inFolder('rabbitmq.conf'),
      RABBITMQ_ADVANCED_CONFIG_FILE: inFolder('advanced.config'),
      // A test server shares the machine with the tests: it must not spin while it waits for work.
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+sbwt none +sbwtdcpu none +sbwtdio none',
      LANG: 'C.UTF-8',
    };
  }

  static async start(options: RabbitServerOptions = {}): Promise<RabbitServer> {
    const server = new RabbitServer(
      await freePort(),
      await freePort(),
      options.cluster?.epmdPort ?? (await freePort()),
      options,
    );
    await server.run();
    return server;
  }

  get url(): string {
    return `amqp://127.0.0.1:${this.port}`;
  }

  /** Returns a connection for looking or for changes by another client. The caller closes it. */
  client(): Promise<ChannelModel> {
    return connect(this.url);
  }

  /** Starts it on the data in its folder, and waits until it accepts connections. */
  async run(): Promise<void> {
    // A port mapper that the node starts itself would outlive it.
    if (this.#ownsEpmd && this.#epmd === undefined) this.#epmd = await startEpmd(this.#epmdPort);
    this.#process = spawn(join(PROGRAMS, 'rabbitmq-server'), { env: this.#env, stdio: 'ignore', detached: true });
    const failed = once(this.#process, 'exit').then(() => {
      throw new Error(`rabbitmq-server ended while it started; its log is in ${join(this.#folder, 'log')}`);
    });
    await Promise.race([this.#untilTaking(), failed]);
    failed.catch(() => undefined);
  }

  /** Runs `rabbitmqctl` on this node. */
  async control(...args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(join(PROGRAMS, 'rabbitmqctl'), ['-n', this.node, ...args], {
      env: this.#env,
    });
    return stdout;
  }

  /** Ends the process like a power failure: without notice to its clients. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Stops it in order, or kills it if that takes too long. */
  async shutDown(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** Stops its processes at any instruction: connections stay open, and nothing is answered. */
  pause(): void {
    if (this.#process?.pid !== undefined) process.kill(-this.#process.pid, 'SIGSTOP');
  }

  resume(): void {
    if (this.#process?.pid !== undefined) process.kill(-this.#process.pid, 'SIGCONT');
  }

  async restart(): Promise<void> {
    await this.shutDown();
    await this.run();
  }

  async stop(): Promise<void> {
    await this.#end('SIGKILL');
    this.#epmd?.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** The script, the virtual machine and its helpers are one group of processes. */
  async #end(signal: NodeJS.Signals): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (running?.pid === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, 'exit');
    process.kill(-running.pid, signal);
    const killing = setTimeout(() => process.kill(-(running.pid as number), 'SIGKILL'), STARTS_WITHIN_MS);
    await ended;
    clearTimeout(killing);
  }

  async #untilTaking(): Promise<void> {
    const giveUpAt = performance.now() + STARTS_WITHIN_MS;
    for (;;) {
      try {
        await (await this.client()).close();
        return;
      } catch (error) {
        if (performance.now() > giveUpAt) throw error;
        await sleep(100);
      }
    }
  }
}

/**
 * Returns a server for a test that does not break it: that of `BROKKR_TEST_AMQP_URL`, else a new one. It may contain
 * data of other tests, so the caller uses its own namespace.
 */
export async function someRabbit(): Promise<Pick<RabbitServer, 'url' | 'stop'>> {
  const given = process.env.BROKKR_TEST_AMQP_URL;
  return given === undefined || given === '' ? RabbitServer.start() : { url: given, stop: async () => undefined };
}

/** Starts the port mapper with which nodes on this machine find each other. The caller kills it. */
export async function startEpmd(port: number): Promise<ChildProcess> {
  const epmd = spawn('epmd', ['-port', String(port), '-address', '127.0.0.1'], { stdio: 'ignore' });
  await once(epmd, 'spawn');
  return epmd;
}
