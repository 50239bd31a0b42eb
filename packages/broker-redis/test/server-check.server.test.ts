import { ConfigError } from '@brokkr/core';
import pino from 'pino';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { RedisServer } from '../../../test/support/redis-server.ts';
import type { Client } from '../src/connection/connect.ts';
import { RedisBroker } from '../src/index.ts';
import { checkServer } from '../src/connection/server-check.ts';

const server = await RedisServer.start({ args: ['--maxmemory-policy', 'volatile-lru'] });
const redis = server.client();
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

let lines: string[] = [];
const logger = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) });
beforeEach(async () => {
  lines = [];
  await redis.config('SET', 'maxmemory-policy', 'noeviction');
  await redis.config('SET', 'appendonly', 'yes');
});

/** The answers of a server, without a server: none of the installed ones is this old, or has such a clock. */
function answering(version: string, seconds: number): Client {
  const info = `redis_version:${version}\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n`;
  return { time: async () => [String(seconds), '0'], info: async () => info } as unknown as Client;
}

it('a server with the right settings is accepted without a warning', async () => {
  await checkServer(redis, false, logger);
  expect(lines).toEqual([]);
});

it('an eviction policy for keys with a time to live, and a missing append-only file, cause warnings', async () => {
  await redis.config('SET', 'maxmemory-policy', 'volatile-lru');
  await redis.config('SET', 'appendonly', 'no');
  await checkServer(redis, false, logger);
  expect(lines.join('')).toMatch(/maxmemory-policy volatile-lru[\s\S]*no append-only file/);
});

it.each(['5.0.14', '6.0.16', ''])('version %j is refused', async (version) => {
  const refused = checkServer(answering(version, Date.now() / 1_000), false, logger);
  await expect(refused).rejects.toBeInstanceOf(ConfigError);
  await expect(refused).rejects.toMatchObject({ code: 'SERVER_TOO_OLD' });
});

it.each([-60, 60])('a clock that differs by %i s causes a warning in milliseconds', async (seconds) => {
  await checkServer(answering('6.2.0', Math.floor(Date.now() / 1_000) + seconds), false, logger);
  expect(lines.join('')).toMatch(/differ by (5[89]|60)\d{3} ms/);
});

it('diagnose reports a server that refuses every other call', async () => {
  await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
  await redis.config('SET', 'appendonly', 'no');
  const broker = new RedisBroker({ url: server.url });
  await expect(broker.inspector.queues()).rejects.toMatchObject({ code: 'SERVER_EVICTS' });
  const found = (await broker.diagnostics.diagnose()).map(({ severity, code }) => [severity, code]);
  expect(found).toEqual([
    ['error', 'SERVER_EVICTS'],
    ['warning', 'SERVER_FORGETS'],
  ]);
  await broker.close();
});
