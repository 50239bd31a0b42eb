import { brokerSuite } from '@brokkr/core/testing';
import { afterAll, describe, it } from 'vitest';
import { RedisServer } from '../../../test/support/redis-server.ts';
import { RedisBroker } from '../src/index.ts';

const server = await RedisServer.start();
afterAll(() => server.stop());

// One after the other: a restart of the server affects every test that uses it.
const runner = { describe, it };

brokerSuite('redis', {
  runner,
  open: ({ namespace }) => new RedisBroker({ url: server.url, namespace }),
  restart: () => server.restart(),
  crash: async () => {
    await server.kill();
    await server.run();
  },
});

// A server that the user of the tests has chosen. The tests must not restart it.
const given = process.env.BROKKR_TEST_REDIS_URL;
if (given !== undefined && given !== '') {
  brokerSuite('the given redis', { runner, open: ({ namespace }) => new RedisBroker({ url: given, namespace }) });
}
