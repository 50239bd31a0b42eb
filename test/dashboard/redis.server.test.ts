import { afterAll } from 'vitest';
import { RedisServer } from '../support/redis-server.ts';
import { operateCases } from './operate-cases.ts';

const server = await RedisServer.start();
afterAll(() => server.stop());

operateCases('Redis', () => server.url);
