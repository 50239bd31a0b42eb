import { createBroker, openBroker } from '@brokkr/core';
import { deadLetterEnvelope } from '@brokkr/core/adapter';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Inspected } from '../support/inspected.ts';
import { RedisServer } from '../support/redis-server.ts';
import { brokkr } from './brokkr.ts';

const server = await RedisServer.start();
const env = { TASK_BROKER_URL: server.url, APP_MODULE: 'test/fixtures/apps/ranked.ts' };
let broker: Inspected;
beforeAll(async () => {
  broker = (await openBroker(createBroker(server.url))) as Inspected;
});
afterAll(async () => {
  await broker.close();
  await server.stop();
});

async function run(...args: string[]): Promise<string> {
  const command = brokkr(args, env);
  expect(`${await command.exited} ${command.errors()}`).toBe('0 ');
  return command.output();
}

it('send, queues, status, dead, move and purge know the lanes of a queue', async () => {
  const id = (await run('send', 'mail', 'ada', '--priority', 'high')).trim();
  await run('send', 'mail', 'bob');
  await run('send', 'plain');
  const refused = brokkr(['send', 'plain', '--priority', 'high'], env);
  expect(await refused.exited).not.toBe(0);
  expect(refused.errors()).toContain('task plain: priority needs lanes');

  const table = await run('queues');
  expect(table).toMatch(/emails +│ 2 /);
  expect(table).toMatch(/ {2}high +│ 1 /);
  expect(table).not.toMatch(/ {2}low/);
  expect(table).toMatch(/jobs +│ 1 /);
  expect(table).not.toContain('.prio.');
  expect(JSON.parse(await run('queues', 'emails', '--json'))).toMatchObject([
    { queue: 'emails', ready: 2, lanes: { high: { ready: 1 }, normal: { ready: 1 } } },
  ]);
  expect(await run('status', id, '--queue', 'emails')).toContain('ready  mail in emails.prio.high');
  expect(await run('status', id, '--task', 'mail')).toContain('ready');

  const headers = { 'brokkr-task': 'mail' };
  const letter = { id: 'dead-1', queue: 'emails.prio.high', body: Buffer.from('["eve"]'), headers };
  await broker.inspector.bury?.('emails.prio.high', [deadLetterEnvelope(letter, 'refused')]);
  expect(await run('dead', 'list', 'emails')).toContain('dead-1');
  expect(JSON.parse(await run('dead', 'show', 'emails', 'dead-1'))).toMatchObject([{ queue: 'emails.prio.high' }]);
  expect(await run('dead', 'retry', 'emails', 'dead-1')).toBe('1\n');
  expect(await broker.inspector.counts('emails.prio.high')).toMatchObject({ ready: 2, dead: 0 });

  const other = 'redis://127.0.0.1:'.concat(new URL(server.url).port, '/1');
  const moved = await run('move', server.url, other, '--queues', 'emails');
  expect(moved.split('\n').toSorted()).toEqual(['', 'emails 1', 'emails.prio.high 2']);
  const there = brokkr(['purge', 'emails', '--broker', other], env);
  expect(`${await there.exited} ${there.errors()}`).toBe('0 ');
  expect(there.output()).toBe('3\n');
}, 120_000);
