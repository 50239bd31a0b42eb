import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { RedisServer } from '../../../test/support/redis-server.ts';
import { RedisBroker } from '../src/index.ts';
import { expectKeptWhileBlocked } from './kept-while-blocked.ts';

const folder = mkdtempSync(join(tmpdir(), 'brokkr-sentinel-'));
const primary = await RedisServer.start();
const replica = await RedisServer.start({ args: ['--replicaof', '127.0.0.1', String(primary.port)] });
const sentinels = await Promise.all(
  Array.from({ length: 3 }, (_, index) => {
    const config = join(folder, `sentinel${index}.conf`);
    writeFileSync(
      config,
      [
        `sentinel monitor prime 127.0.0.1 ${primary.port} 2`,
        'sentinel down-after-milliseconds prime 500',
        'sentinel failover-timeout prime 3000',
      ].join('\n'),
    );
    return RedisServer.start({ sentinelConfig: config });
  }),
);
afterAll(async () => {
  await Promise.all([primary, replica, ...sentinels].map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
});

it('a thread finds the primary, and renews leases while the event loop is blocked', async () => {
  const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',');
  const broker = new RedisBroker({ url: `redis+sentinel://${hosts}/prime/0`, namespace: 'blocked' });
  try {
    await expectKeptWhileBlocked(broker, ['q']);
  } finally {
    await broker.close();
  }
}, 30_000);

it('work goes on after Sentinel replaced a primary that was killed', async () => {
  const watcher = sentinels[0]?.client();
  await expect
    .poll(async () => String(await watcher?.call('SENTINEL', 'MASTER', 'prime')), { timeout: 20_000 })
    .toMatch(/num-slaves,1,num-other-sentinels,2/);
  watcher?.disconnect();
  const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',');
  const broker = new RedisBroker({ url: `redis+sentinel://${hosts}/prime/0` });
  const subscription = await broker.subscribe('q', {});
  const sent = Array.from({ length: 50 }, () => ({
    id: randomUUID(),
    queue: 'q',
    body: Buffer.from('[]'),
    headers: {},
  }));
  await broker.publish(sent);
  // Replication is slower than publish. Messages that are not replicated before a failover are lost, on any Redis.
  const client = primary.client();
  expect(await client.wait(1, 5_000)).toBe(1);
  client.disconnect();
  await primary.kill();
  const killedAt = performance.now();
  const done = new Set<string>();
  let firstAfterMs = Number.NaN;
  await expect
    .poll(
      async () => {
        try {
          const deliveries = await subscription.receive(20, { signal: AbortSignal.timeout(1_000), wait: true });
          await subscription.settle(deliveries.map((delivery) => ({ kind: 'ack', delivery })));
          if (done.size === 0 && deliveries.length > 0) firstAfterMs = performance.now() - killedAt;
          for (const { envelope } of deliveries) done.add(envelope.id);
        } catch {
          // Unreachable for the moment; the time limit of the poll ends the wait.
        }
        return done.size;
      },
      { timeout: 30_000, interval: 20 },
    )
    .toBe(sent.length);
  await broker.publish([{ id: randomUUID(), queue: 'q', body: Buffer.from('[]'), headers: {} }]);
  process.stdout.write(`Sentinel fail-over: first message ${Math.round(firstAfterMs)} ms after the kill\n`);
  await broker.close();
}, 90_000);
