import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { RabbitServer, type RabbitServerOptions } from '../support/rabbitmq-server.ts';
import type { FaultBroker, FaultServer } from './fault-server.ts';

/** RabbitMQ 3.10 writes down within a second which queues it has; one that was declared after that may not survive. */
const WRITTEN_DOWN_MS = 2_000;

/** How often a quorum queue tells its numbers, milliseconds. */
const TOLD_SOON = '{quorum_tick_interval, 250}';

/** A private RabbitMQ node, and what can be done to one. */
export class RabbitFaultServer implements FaultServer {
  readonly rabbit: RabbitServer;

  private constructor(rabbit: RabbitServer) {
    this.rabbit = rabbit;
  }

  static async start(options: RabbitServerOptions = {}): Promise<RabbitFaultServer> {
    return new RabbitFaultServer(await RabbitServer.start(options));
  }

  get url(): string {
    return this.urlAt(this.port);
  }

  get port(): number {
    return this.rabbit.port;
  }

  /** With a heartbeat that lets a dead connection be found within the time of a test. */
  urlAt(port: number): string {
    return `amqp://127.0.0.1:${port}?heartbeat=2s`;
  }

  kill(): Promise<void> {
    return this.rabbit.kill();
  }

  pause(): void {
    this.rabbit.pause();
  }

  resume(): void {
    this.rabbit.resume();
  }

  run(): Promise<void> {
    return this.rabbit.run();
  }

  stop(): Promise<void> {
    return this.rabbit.stop();
  }

  async breakConnections(): Promise<void> {
    await this.rabbit.control('close_all_connections', 'broken by a test');
  }

  async queuesAreKept(): Promise<void> {
    await sleep(WRITTEN_DOWN_MS);
  }

  async sweep(): Promise<void> {
    await this.rabbit.control(
      'eval',
      '[rabbit_amqqueue:delete(Q, false, false, <<"sweep">>) || Q <- rabbit_amqqueue:list()], ok.',
    );
  }

  /** Quarantine and rungs too, and what is handed over and not acknowledged. */
  async quiet(namespace: string, boundMs: number): Promise<void> {
    const held = async () => {
      const answer = await this.rabbit.control('list_queues', 'name', 'messages', '--silent', '--formatter', 'json');
      return (JSON.parse(answer) as { name: string; messages: number }[])
        .filter(({ name, messages }) => messages > 0 && name.startsWith(`${namespace}.`) && !name.endsWith('.dead'))
        .map(({ name, messages }) => `${messages} in ${name}`);
    };
    await expect.poll(held, { timeout: boundMs, interval: 100 }).toEqual([]);
  }

  /** A node cannot be asked for the ids of its messages. */
  async dump(): Promise<undefined> {
    return undefined;
  }
}

/** One node for all faults: it takes seconds to start, and each bench has a namespace of its own. */
export class SharedRabbit implements FaultBroker<RabbitFaultServer> {
  readonly name = 'RabbitMQ';
  readonly fences = false;
  #server: Promise<RabbitFaultServer> | undefined;

  /** `stop` of what it gives does nothing; `end` does. */
  async start(): Promise<RabbitFaultServer> {
    this.#server ??= RabbitFaultServer.start({ advanced: [TOLD_SOON] });
    const server = await this.#server;
    return Object.create(server, { stop: { value: async () => undefined } }) as RabbitFaultServer;
  }

  /** The connection is the lease: handed over again within a second, it stands in line behind what was ready. */
  recoveryMs(): number {
    return 3_000;
  }

  async end(): Promise<void> {
    await (await this.#server)?.stop();
  }
}

/** A node for each test, which may be killed or stopped. */
export const rabbitUnderFaults: FaultBroker<RabbitFaultServer> = {
  name: 'RabbitMQ',
  fences: false,
  start: () => RabbitFaultServer.start({ advanced: [TOLD_SOON] }),
  recoveryMs: () => 3_000,
};
