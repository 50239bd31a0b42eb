import { brokerSuite } from '@brokkr/core/testing';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { RabbitServer } from '../../../test/support/rabbitmq-server.ts';
import { RedisServer } from '../../../test/support/redis-server.ts';
import { RedisBroker } from '../../broker-redis/src/index.ts';
import { AmqpBroker } from '../src/index.ts';

let server: RabbitServer;
let redis: RedisServer;
beforeAll(async () => {
  [server, redis] = await Promise.all([RabbitServer.start(), RedisServer.start()]);
}, 90_000);
afterAll(() => Promise.all([server?.stop(), redis?.stop()]));

// One after the other: a restart of the server affects every test that uses it.
const runner = { describe, it };

brokerSuite('rabbitmq', {
  runner,
  open: ({ namespace }) => new AmqpBroker({ url: server.url, namespace }),
  openStore: ({ namespace }) => new RedisBroker({ url: redis.url, namespace }),
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
