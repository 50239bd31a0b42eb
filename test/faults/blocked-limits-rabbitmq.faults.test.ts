import { afterAll, beforeAll } from 'vitest';
import { RedisServer } from '../support/redis-server.ts';
import { blockedLimitCases } from './blocked-limits-cases.ts';
import { SharedRabbit } from './rabbitmq-fault-broker.ts';

const shared = new SharedRabbit();
let store: RedisServer;
beforeAll(async () => {
  [store] = await Promise.all([RedisServer.start(), shared.start()]);
}, 90_000);
afterAll(() => Promise.all([shared.end(), store?.stop()]));

blockedLimitCases(shared, () => store.url);
