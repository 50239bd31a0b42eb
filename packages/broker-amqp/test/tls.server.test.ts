import { afterAll, describe, expect, it } from 'vitest';
import { Certificates } from '../../../test/support/certificates.ts';
import { RabbitServer } from '../../../test/support/rabbitmq-server.ts';
import { freePort } from '../../../test/support/redis-server.ts';
import { AmqpBroker } from '../src/index.ts';
import { ack, envelope, one } from './rabbit-bench.ts';

const certificates = await Certificates.create();
const { ca, server, client } = certificates;
const tlsPort = await freePort();
const rabbit = await RabbitServer.start({
  config: [
    `listeners.ssl.1 = 127.0.0.1:${tlsPort}`,
    `ssl_options.cacertfile = ${ca}`,
    `ssl_options.certfile = ${server.cert}`,
    `ssl_options.keyfile = ${server.key}`,
    'ssl_options.verify = verify_peer',
    'ssl_options.fail_if_no_peer_cert = true',
  ],
});
afterAll(async () => {
  await rabbit.stop();
  certificates.remove();
});

describe('RabbitMQ over TLS', () => {
  it('takes an authority, a certificate and its key from the URL', async () => {
    const url = `amqps://127.0.0.1:${tlsPort}?ca=${ca}&cert=${client.cert}&key=${client.key}`;
    const broker = new AmqpBroker({ url });
    await broker.publish([envelope('secret')]);
    const subscription = await broker.subscribe('q', {});
    const delivery = await one(subscription);
    expect(delivery.envelope.id).toBe('secret');
    await ack(subscription, delivery);
    await broker.close();
  });

  it.each([
    ['a server that nobody it trusts has signed for', `cert=${client.cert}&key=${client.key}`, /certificate/i],
    // Since TLS 1.3 the client has already sent data when the server closes; the system may report no more than that.
    ['a server that wants a certificate, without one', `ca=${ca}`, /certificate|ECONNRESET|closed|ended/i],
  ])('sends nothing to %s, and reports why', async (_, query, problem) => {
    const broker = new AmqpBroker({ url: `amqps://127.0.0.1:${tlsPort}?${query}`, sendTimeoutMs: 1_500 });
    const refused = await broker.publish([envelope()]).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'BROKER_UNAVAILABLE' });
    expect(String((refused as Error).cause)).toMatch(problem);
    await broker.close();
  });
});
