import { setTimeout as sleep } from 'node:timers/promises';
import { RabbitServer, type RabbitServerOptions } from '../support/rabbitmq-server.ts';
import type { FaultBroker, FaultServer } from './fault-server.ts';

/** RabbitMQ 3.10 writes down within a second which queues it has; one that was declared after that may not survive. */
const WRITTEN_DOWN_MS = 2_000;

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

  /** A node cannot be asked for the ids of its messages. */
  async dump(): Promise<undefined> {
    return undefined;
  }
}

/** One node for all faults: it takes seconds to start, and each bench has a namespace of its own. */
export class SharedRabbit implements FaultBroker {
  readonly name = 'RabbitMQ';
  readonly fences = false;
  #server: Promise<RabbitFaultServer> | undefined;

  /** `stop` of what it gives does nothing; `end` does. */
  async start(): Promise<RabbitFaultServer> {
    this.#server ??= RabbitFaultServer.start();
    const server = await this.#server;
    return Object.create(server, { stop: { value: async () => undefined } }) as RabbitFaultServer;
  }

  /** The connection is the lease. */
  recoveryMs(): number {
    return 1_000;
  }

  async end(): Promise<void> {
    await (await this.#server)?.stop();
  }
}
