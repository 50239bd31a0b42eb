import { brokerSuite } from '@brokkr/core/testing';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { RabbitServer } from '../../../test/support/rabbitmq-server.ts';
import { AmqpBroker } from '../src/index.ts';

let server: RabbitServer;
beforeAll(async () => {
  server = await RabbitServer.start();
}, 90_000);
afterAll(() => server?.stop());

// One after the other: a restart of the server affects every test that uses it.
const runner = { describe, it };

brokerSuite('rabbitmq', {
  runner,
  open: ({ namespace }) => new AmqpBroker({ url: server.url, namespace }),
  leaseMs: 2_000,
  // A restart and not a kill: RabbitMQ 3.10 may never elect a leader for a queue that was declared just before a kill
  // (docs/rabbitmq.md). The fault suite kills it, with queues that have existed for a while.
  restart: () => server.restart(),
});

// A server that the user of the tests has chosen. The tests must not restart it.
const given = process.env.BROKKR_TEST_AMQP_URL;
if (given !== undefined && given !== '') {
  brokerSuite('the given rabbitmq', {
    runner,
    open: ({ namespace }) => new AmqpBroker({ url: given, namespace }),
    leaseMs: 2_000,
  });
}
