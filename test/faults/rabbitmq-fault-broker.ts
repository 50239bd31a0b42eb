import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { RabbitServer, type RabbitServerOptions } from '../support/rabbitmq-server.ts';
import type { FaultBroker, FaultServer } from './fault-server.ts';

/**
 * RabbitMQ 3.10 writes the list of its queues to disk within a second; a queue that was declared after that may be
 * lost.
 */
const WRITTEN_DOWN_MS = 2_000;

/** How often a quorum queue updates its counts, in milliseconds. */
const TOLD_SOON = '{quorum_tick_interval, 250}';

/** A private RabbitMQ node that can be broken. */
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

  /** With a heartbeat that detects a dead connection within the time of a test. */
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

  /** Includes quarantine and rungs, and deliveries that are not acknowledged. */
  async quiet(namespace: string, boundMs: number): Promise<void> {
    const held = async () => {
      const answer = await this.rabbit.control('list_queues', 'name', 'messages', '--silent', '--formatter', 'json');
      return (JSON.parse(answer) as { name: string; messages: number }[])
        .filter(({ name, messages }) => messages > 0 && name.startsWith(`${namespace}.`) && !name.endsWith('.dead'))
        .map(({ name, messages }) => `${messages} in ${name}`);
    };
    await expect.poll(held, { timeout: boundMs, interval: 100 }).toEqual([]);
  }

  /** A node cannot list the ids of its messages. */
  async dump(): Promise<undefined> {
    return undefined;
  }
}

/** One node for all faults: it needs seconds to start, and each bench has its own namespace. */
export class SharedRabbit implements FaultBroker<RabbitFaultServer> {
  readonly name = 'RabbitMQ';
  readonly fences = false;
  #server: Promise<RabbitFaultServer> | undefined;

  /** `stop` of the returned server has no effect; `end` stops the node. */
  async start(): Promise<RabbitFaultServer> {
    this.#server ??= RabbitFaultServer.start({ advanced: [TOLD_SOON] });
    const server = await this.#server;
    return Object.create(server, { stop: { value: async () => undefined } }) as RabbitFaultServer;
  }

  /** The connection is the lease: a message that is redelivered within a second is behind those that were ready. */
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
