import type { BrokerOptions, WorkerReport } from '@brokkr/core/adapter';
import { describe, expect, it } from 'vitest';
import { RabbitBench } from './rabbit-bench.ts';

const bench = new RabbitBench();
const TTL_MS = 30_000;

function reportOf(id: string, given: Partial<WorkerReport> = {}): WorkerReport {
  return {
    ...{ id, host: 'h', pid: 1, version: '1', startedAt: 1, state: 'running', queues: { q: 1 }, paused: [] },
    ...{ concurrency: 1, running: [], runningCount: 0, totals: [], rssBytes: 1, loopDelayMs: 0 },
    ...given,
  };
}

/** Counts the messages of an exchange from now on. */
async function listenIn(exchange: string): Promise<() => Promise<number>> {
  const queue = `spy-${bench.namespace}-${exchange}`;
  await bench.meddle(async (channel) => {
    await channel.assertExchange(`${bench.namespace}:${exchange}`, 'fanout', { durable: true });
    await channel.assertQueue(queue);
    await channel.bindQueue(queue, `${bench.namespace}:${exchange}`, '');
  });
  bench.onCleanUp(() => bench.meddle((channel) => channel.deleteQueue(queue)));
  return async () => {
    let count = 0;
    await bench.meddle(async (channel) => {
      count = (await channel.checkQueue(queue)).messageCount;
    });
    return count;
  };
}

describe('reports of workers on RabbitMQ', () => {
  it('are not sent while no viewer looks, and for 30 s after a call', async () => {
    const [worker, viewer] = [bench.open(), bench.open()];
    const [reports, calls] = [await listenIn('reports'), await listenIn('calls')];
    for (let count = 0; count < 20; count++) {
      expect(await worker.workers.report(reportOf('w'), TTL_MS)).toEqual({ nextMs: 5_000 });
    }
    expect([await reports(), await calls()]).toEqual([0, 0]);
    expect(await viewer.workers.reports()).toMatchObject([{ report: { id: 'w' } }]);
    expect([await reports(), await calls()]).toEqual([1, 1]);
    await worker.workers.report(reportOf('w', { runningCount: 1 }), TTL_MS);
    expect(await reports()).toBe(2);
  }, 90_000);

  it('of a hundred workers in ten processes are seen within a second, by two viewers at a time', async () => {
    const processes = Array.from({ length: 10 }, () => bench.open());
    const ids = Array.from({ length: 100 }, (_, index) => `w-${index}`);
    await Promise.all(ids.map((id, index) => processes[index % 10]?.workers.report(reportOf(id), TTL_MS)));
    const seen = await Promise.all([bench.open().workers.reports(), bench.open().workers.reports()]);
    for (const found of seen) expect(found.map(({ report }) => report.id).sort()).toEqual(ids.toSorted());
  }, 90_000);

  it('are not awaited by a viewer whose call no worker hears', async () => {
    const [lonely, worker, viewer] = [bench.open(undefined, { namespace: 'lonely' }), bench.open(), bench.open()];
    await worker.workers.report(reportOf('w'), TTL_MS);
    await Promise.all([lonely.workers.reports(), viewer.workers.reports()]);
    const ended: string[] = [];
    const awaited = viewer.workers.reports().then(() => ended.push('heard'));
    await lonely.workers.reports().then(() => ended.push('unheard'));
    await awaited;
    expect(ended).toEqual(['unheard', 'heard']);
  }, 90_000);

  it('are seen again after the connection of the worker broke', async () => {
    const proxy = await bench.proxied();
    const [worker, viewer] = [bench.open(`amqp://127.0.0.1:${proxy.port}`), bench.open()];
    await worker.workers.report(reportOf('w'), TTL_MS);
    proxy.reset();
    await expect
      .poll(async () => (await viewer.workers.reports()).map(({ report }) => report.id), { timeout: 15_000 })
      .toEqual(['w']);
  }, 90_000);

  it('that another program wrote are ignored, and a call for a year is one for 30 s', async () => {
    const [worker, viewer] = [bench.open(), bench.open()];
    await worker.workers.report(reportOf('w'), TTL_MS);
    const looking = viewer.workers.reports();
    await expect
      .poll(async () => (await bench.server.control('list_queues', 'name', '--silent')).includes(':reports:'))
      .toBe(true);
    await bench.meddle(async (channel) => {
      const year = { type: 'call', headers: { 'for-ms': 31_536_000_000, workers: -1 } };
      channel.publish(`${bench.namespace}:calls`, '', Buffer.alloc(0), year);
      const junk = ['{', '{}', 'null', '[]', JSON.stringify({ ...reportOf('junk'), totals: [{}] })];
      for (const body of junk) {
        channel.publish(`${bench.namespace}:reports`, '', Buffer.from(body), { type: 'report' });
      }
    });
    expect((await looking).map(({ report }) => report.id)).toEqual(['w']);
    expect(await worker.workers.report(reportOf('w'), TTL_MS)).toEqual({ nextMs: 5_000 });
  }, 90_000);

  it('of a user without the right to configure are left out; its worker logs that once, and works', async () => {
    const warnings: unknown[] = [];
    const log = () => undefined;
    const logger = {
      ...{ trace: log, debug: log, info: log, error: log, fatal: log },
      warn: ({ code }: { code?: unknown }) => void warnings.push(code),
    } as unknown as NonNullable<BrokerOptions['logger']>;
    const declaring = bench.open();
    await declaring.declare('q');
    await declaring.workers.report(reportOf('known'), TTL_MS);
    await bench.server.control('add_user', bench.namespace, 'secret');
    bench.onCleanUp(() => bench.server.control('delete_user', bench.namespace));
    await bench.server.control('set_permissions', bench.namespace, '^$', '.*', '.*');
    const url = bench.server.url.replace('amqp://', `amqp://${bench.namespace}:secret@`);
    const broker = bench.open(url, { logger });
    for (let count = 0; count < 3; count++) {
      expect(await broker.workers.report(reportOf('anonymous'), TTL_MS)).toEqual({ nextMs: 60_000 });
    }
    expect(warnings).toEqual(['RIGHT_MISSING']);
    // On a busy machine the first report may have ended by now.
    await declaring.workers.report(reportOf('known'), TTL_MS);
    expect((await bench.open().workers.reports()).map(({ report }) => report.id)).toEqual(['known']);
    await broker.workers.retire('anonymous');
    await expect(broker.signals.listen(() => undefined)).rejects.toMatchObject({ code: 'QUEUE_REFUSED' });
    await broker.signals.send({ topic: 't', body: '' }).catch((error: { code?: unknown }) => {
      expect(error.code).toBe('QUEUE_REFUSED');
    });
  }, 90_000);

  it('cannot be read or written once the broker is closed', async () => {
    const broker = bench.open();
    await broker.workers.report(reportOf('w'), TTL_MS);
    await broker.close();
    await expect(broker.workers.report(reportOf('w'), TTL_MS)).rejects.toMatchObject({ code: 'BROKER_CLOSED' });
    await expect(broker.workers.reports()).rejects.toMatchObject({ code: 'BROKER_CLOSED' });
    await broker.workers.retire('w');
  });
});
