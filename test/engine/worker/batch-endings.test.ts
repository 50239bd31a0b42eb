import { firstMessages } from '@brokkr/core/adapter';
import { describe, expect, it } from 'vitest';
import { aSecondOfWork, crash } from './worker-bench.ts';
import { batchBench } from './batch-bench.ts';

describe('a stop', () => {
  it('gives back what has gathered, and loses none', async () => {
    const { clock, tm, worker, calls, send, counts, broker } = batchBench(
      { batch: { size: 100, timeout: '10m' } },
      () => undefined,
    );
    await worker.start();
    await send(...Array.from({ length: 40 }, (_, n) => `i${n}`));
    await clock.advance(1_000);
    expect(await counts()).toMatchObject({ running: 40, ready: 0 });
    const stopping = worker.stop();
    await clock.advance(5_000);
    expect(await stopping).toEqual({ interrupted: 0 });
    expect(calls).toEqual([]);
    expect(await counts()).toMatchObject({ running: 0, ready: 40 });
    const back = await firstMessages(broker.inspector, 'default', 'ready', 40);
    expect(back.map(({ body }) => JSON.parse(Buffer.from(body).toString())[0])).toEqual(
      Array.from({ length: 40 }, (_, n) => `i${n}`),
    );
    await tm.createWorker().start();
    for (let minute = 0; minute < 11; minute++) await clock.advance(60_000);
    expect(calls.map(({ length }) => length)).toEqual([40]);
  });

  it('lets a running batch end, or hands all of it back', async () => {
    const { clock, worker, send, counts } = batchBench(
      {},
      (_, batch) =>
        new Promise<void>((resolve) => {
          batch.signal.addEventListener('abort', () => {
            if (String(batch.signal.reason).includes('Shutdown')) resolve();
          });
        }),
    );
    await worker.start();
    await send('a', 'b', 'c');
    await clock.advance(100);
    const stopping = worker.stop({ timeout: '10s' });
    for (let step = 0; step < 12; step++) await clock.advance(1_000);
    expect(await stopping).toEqual({ interrupted: 0 });
    expect(await counts()).toMatchObject({ acknowledged: 3 });
  });

  it('hands back a batch that ignores its signal', async () => {
    const { clock, worker, send, counts } = batchBench({}, () => new Promise<void>(() => undefined));
    await worker.start();
    await send('a', 'b', 'c');
    await clock.advance(100);
    const stopping = worker.stop({ timeout: '10s' });
    for (let step = 0; step < 12; step++) await clock.advance(1_000);
    expect(await stopping).toEqual({ interrupted: 3 });
    expect(await counts()).toMatchObject({ ready: 3, running: 0 });
  });
});

describe('a pause', () => {
  it('gives back what has gathered', async () => {
    const { clock, tm, worker, calls, send, counts } = batchBench({}, () => undefined);
    await worker.start();
    await send('a', 'b');
    await clock.advance(100);
    await tm.queue('default').pause();
    await clock.advance(1_000);
    expect(await counts()).toMatchObject({ ready: 2, running: 0 });
    await clock.advance(10_000);
    expect(calls).toEqual([]);
    await tm.queue('default').resume();
    await send('c');
    await clock.advance(1_000);
    expect(calls).toEqual([['a', 'b', 'c']]);
  });
});

describe('a crash', () => {
  it('counts for each message of a batch; after the second one each runs alone, so that poison is found', async () => {
    const { clock, broker, worker, calls, send, counts } = batchBench({ batch: { size: 5 } }, () => undefined);
    const handles = await send('a', 'b', 'c', 'd', 'e');
    await crash(broker, clock, 1, 5);
    await worker.start();
    for (let second = 0; second < 5; second++) await aSecondOfWork(clock);
    expect(calls).toEqual([['a', 'b', 'c', 'd', 'e']]);
    expect(handles).toHaveLength(5);

    await send('f', 'g', 'h');
    await worker.stop();
    await crash(broker, clock, 2, 3);
    const other = batchBench({}, () => undefined);
    expect(other.calls).toEqual([]);
    expect(await counts()).toMatchObject({ ready: 3 });
  });

  it('makes suspects run alone, beside batches of the others', async () => {
    const { clock, broker, worker, calls, send, counts } = batchBench({ batch: { size: 5 } }, () => undefined);
    await send('s1', 's2', 's3');
    await crash(broker, clock, 2, 3);
    await send('a', 'b', 'c', 'd', 'e');
    await worker.start();
    for (let second = 0; second < 20; second++) await aSecondOfWork(clock);
    expect(calls.filter((items) => items.some((item) => item.startsWith('s')))).toEqual([['s1'], ['s2'], ['s3']]);
    expect(calls.flat()).toHaveLength(8);
    expect(await counts()).toMatchObject({ acknowledged: 8, dead: 0 });
  });
});
