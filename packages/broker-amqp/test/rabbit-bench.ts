import { randomUUID } from 'node:crypto';
import type { BrokerOptions, Delivery, Envelope, Subscription } from '@brokkr/core/adapter';
import type { ChannelModel } from 'amqplib';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { RabbitServer } from '../../../test/support/rabbitmq-server.ts';
import { TcpProxy } from '../../../test/support/tcp-proxy.ts';
import { AmqpBroker } from '../src/index.ts';

const COUNTED_SOON = '{quorum_tick_interval, 200}';

/** A node for the tests of one file, a namespace for each test, and a client that changes its queues. */
export class RabbitBench {
  #server: RabbitServer | undefined;
  #meddler: ChannelModel | undefined;
  readonly #cleanUps: (() => Promise<unknown>)[] = [];
  namespace = '';

  constructor() {
    beforeAll(async () => {
      this.#server = await RabbitServer.start({ advanced: ['{channel_tick_interval, 1000}', COUNTED_SOON] });
      this.#meddler = await this.#server.client();
    }, 90_000);
    afterAll(async () => {
      await this.#meddler?.close();
      await this.#server?.stop();
    });
    beforeEach(() => {
      this.namespace = `t${randomUUID().slice(0, 8)}`;
    });
    afterEach(async () => {
      for (const cleanUp of this.#cleanUps.splice(0).toReversed()) await cleanUp();
    }, 60_000);
  }

  get server(): RabbitServer {
    if (this.#server === undefined) throw new Error('the server has not started');
    return this.#server;
  }

  onCleanUp(cleanUp: () => Promise<unknown>): void {
    this.#cleanUps.push(cleanUp);
  }

  open(url = this.server.url, options: BrokerOptions = {}): AmqpBroker {
    const broker = new AmqpBroker({ url, namespace: this.namespace, ...options });
    this.onCleanUp(() => broker.close());
    return broker;
  }

  async proxied(): Promise<TcpProxy> {
    const proxy = await TcpProxy.open(this.server.port);
    this.onCleanUp(() => proxy.close());
    return proxy;
  }

  /** Returns the number of messages that the server holds in this test's queues, acknowledged or not. */
  async held(): Promise<number> {
    const answer = await this.server.control('list_queues', 'name', 'messages', '--silent', '--formatter', 'json');
    return (JSON.parse(answer) as { name: string; messages: number }[])
      .filter(({ name }) => name.startsWith(`${this.namespace}.`))
      .reduce((sum, { messages }) => sum + messages, 0);
  }

  /** Stores dead letters of `q`. The queue must exist. */
  async deadLetters(ids: readonly string[]): Promise<void> {
    if (this.#meddler === undefined) throw new Error('the server has not started');
    const channel = await this.#meddler.createConfirmChannel();
    for (const messageId of ids) {
      channel.publish(`${this.namespace}:dead`, 'q', Buffer.from('[1]'), { persistent: true, messageId, headers: {} });
    }
    await channel.waitForConfirms();
    await channel.close();
  }

  async meddle(use: (channel: Awaited<ReturnType<ChannelModel['createChannel']>>) => Promise<unknown>): Promise<void> {
    if (this.#meddler === undefined) throw new Error('the server has not started');
    const channel = await this.#meddler.createChannel();
    await use(channel);
    await channel.close();
  }
}

export function envelope(id: string = randomUUID()): Envelope {
  return { id, queue: 'q', body: Buffer.from('[1]'), headers: { 'brokkr-task': 't' } };
}

export async function receive(subscription: Subscription, limit = 10, boundMs = 15_000): Promise<readonly Delivery[]> {
  return subscription.receive(limit, { signal: AbortSignal.timeout(boundMs), wait: true });
}

export async function one(subscription: Subscription): Promise<Delivery> {
  const [delivery] = await receive(subscription, 1);
  if (delivery === undefined) throw new Error('nothing came');
  return delivery;
}

export async function ack(
  subscription: Subscription,
  ...deliveries: readonly Delivery[]
): Promise<readonly Delivery[]> {
  return subscription.settle(deliveries.map((delivery) => ({ kind: 'ack', delivery })));
}
