import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Certificates } from '../../../test/support/certificates.ts';
import { freePort, RedisServer } from '../../../test/support/redis-server.ts';
import { RedisBroker } from '../src/index.ts';
import { expectKeptWhileBlocked } from './kept-while-blocked.ts';

const certificates = await Certificates.create();
const { ca, server, client } = certificates;
const tlsPort = await freePort();
const redis = await RedisServer.start({ args: secured(tlsPort) });
afterAll(async () => {
  await redis.stop();
  certificates.remove();
});

/** Arguments of a server that accepts TLS at `port`, from clients whose certificate the authority has signed. */
function secured(port: number): string[] {
  const files = ['--tls-ca-cert-file', ca, '--tls-cert-file', server.cert, '--tls-key-file', server.key];
  return ['--tls-port', String(port), '--tls-replication', 'yes', ...files];
}

const message = { id: 'm', queue: 'q', body: Buffer.from('[]'), headers: {} };

async function roundTrip(url: string): Promise<readonly string[]> {
  const broker = new RedisBroker({ url });
  try {
    await broker.publish([message]);
    const subscription = await broker.subscribe('q', {});
    // The doorbell has its own connection, so that one must be opened, too.
    const deliveries = await subscription.receive(1, { signal: AbortSignal.timeout(10_000), wait: true });
    const later = subscription.receive(1, { signal: AbortSignal.timeout(10_000), wait: true });
    await subscription.settle(deliveries.map((delivery) => ({ kind: 'ack', delivery })));
    await broker.publish([{ ...message, id: 'later' }]);
    const rung = await later;
    await subscription.settle(rung.map((delivery) => ({ kind: 'ack', delivery })));
    return [...deliveries, ...rung].map(({ envelope }) => envelope.id);
  } finally {
    await broker.close();
  }
}

describe('Redis over TLS', () => {
  it('a thread renews leases while the event loop is blocked', async () => {
    const url = `rediss://127.0.0.1:${tlsPort}?ca=${ca}&cert=${client.cert}&key=${client.key}`;
    const broker = new RedisBroker({ url, namespace: 'blocked' });
    try {
      await expectKeptWhileBlocked(broker, ['q']);
    } finally {
      await broker.close();
    }
  }, 30_000);

  it('takes an authority, a certificate and its key from the URL', async () => {
    const url = `rediss://127.0.0.1:${tlsPort}?ca=${ca}&cert=${client.cert}&key=${client.key}`;
    expect(await roundTrip(url)).toEqual(['m', 'later']);
  });

  it.each([
    ['a server that nobody it trusts has signed for', `cert=${client.cert}&key=${client.key}`, /certificate/i],
    // Since TLS 1.3 the client has already sent data when the server closes; the system reports no more than that.
    ['a server that wants a certificate, without one', `ca=${ca}`, /certificate|ECONNRESET|closed/i],
  ])('sends nothing to %s, and reports why', async (_, query, problem) => {
    const broker = new RedisBroker({ url: `rediss://127.0.0.1:${tlsPort}?${query}`, sendTimeoutMs: 1_500 });
    const refused = await broker.publish([message]).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'BROKER_UNAVAILABLE' });
    expect(String((refused as Error).cause)).toMatch(problem);
    await broker.close();
  });

  it('connects over TLS to Sentinels, and to the primary that they report', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'brokkr-sentinel-tls-'));
    const config = join(folder, 'sentinel.conf');
    const port = await freePort();
    const lines = secured(port).map((word, index) => (index % 2 === 0 ? `\n${word.slice(2)}` : ` ${word}`));
    writeFileSync(config, `sentinel monitor prime 127.0.0.1 ${tlsPort} 1${lines.join('')}\n`);
    const sentinel = await RedisServer.start({ sentinelConfig: config });
    const files = `ca=${ca}&cert=${client.cert}&key=${client.key}`;
    try {
      const url = `redis+sentinel://127.0.0.1:${port}/prime/0?tls=true&${files}`;
      expect(await roundTrip(url)).toEqual(['m', 'later']);
    } finally {
      await sentinel.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  }, 30_000);
});
