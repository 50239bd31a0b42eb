import { afterAll, beforeAll, describe } from 'vitest';
import { RedisServer } from '../support/redis-server.ts';
import { apiCases } from './api-cases.ts';
import { killedCase } from './killed-cases.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

describe('the API of the dashboard on Redis', () => apiCases(() => server.url, true));

describe('brokkr dashboard on Redis', () => killedCase(() => server.url, { letters: 10_000, mayDouble: false }));
