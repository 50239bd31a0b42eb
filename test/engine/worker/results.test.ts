import { describe, expect, it } from 'vitest';
import { aSecondOfWork, workerBench } from './worker-bench.ts';

/** Where storing a result takes `storeMs`. */
async function slowStore(storeMs: number) {
  const bench = await workerBench((broker) => {
    const store = broker.results.store.bind(broker.results);
    broker.results.store = async (...given) => {
      await new Promise<void>((resolve) => bench.clock.setTimeout(resolve, storeMs));
      await store(...given);
    };
    return broker;
  });
  return bench;
}

/** A worker that has run a task, and is storing what it returned. */
async function storing({ tm, clock }: Awaited<ReturnType<typeof slowStore>>) {
  const task = tm.get('kept') ?? tm.task({ name: 'kept', result: '1h' }, async () => 'value');
  const handle = await task.send();
  const worker = tm.createWorker();
  await worker.start();
  await clock.advance(10);
  return { handle, worker };
}

describe('storing a result', () => {
  it('does not count against the time limit of the run, and frees its slot', async () => {
    const { tm, clock, broker } = await slowStore(1_500);
    const ran: string[] = [];
    const task = tm.task({ name: 'kept', result: '1h', timeout: '500ms', maxRetries: 0 }, async (name: string) => {
      ran.push(name);
      return name;
    });
    const handle = await task.send('first');
    await task.send('second');
    const worker = tm.createWorker({ concurrency: 1 });
    const told: string[] = [];
    worker.on('succeeded', () => told.push('succeeded')).on('dead', () => told.push('dead'));
    await worker.start();
    await aSecondOfWork(clock);
    expect(ran).toEqual(['first', 'second']);
    expect(await broker.inspector.counts('default')).toMatchObject({ running: 2, acknowledged: 0 });
    await aSecondOfWork(clock);
    expect(await handle.result()).toBe('first');
    expect(told).toEqual(['succeeded', 'succeeded']);
    expect(await broker.inspector.counts('default')).toMatchObject({ acknowledged: 2, dead: 0 });
    await tm.close();
  });

  it('comes before the message ends, and a stop waits for it', async () => {
    const bench = await slowStore(1_000);
    const { tm, clock, broker } = bench;
    const { handle, worker } = await storing(bench);
    const stopped = worker.stop();
    await clock.advance(1_000);
    expect(await stopped).toEqual({ interrupted: 0 });
    expect(await handle.result()).toBe('value');
    expect(await broker.inspector.counts('default')).toMatchObject({ acknowledged: 1, running: 0 });
    await tm.close();
  });

  it('is waited for by a stop for as long as handlers are, and then the message ends without it', async () => {
    const bench = await slowStore(3_000);
    const { tm, clock, broker } = bench;
    const { handle, worker: first } = await storing(bench);
    const patient = first.stop({ timeout: '25s' });
    await clock.advance(3_000);
    await patient;
    expect(await handle.result()).toBe('value');
    const { worker: second } = await storing(bench);
    const hasty = second.stop({ timeout: '1s' });
    await clock.advance(1_000);
    await hasty;
    expect(await broker.inspector.counts('default')).toMatchObject({ acknowledged: 2, running: 0, ready: 0 });
    await tm.close();
  });

  it('that never ends costs the result alone, once a send would have been given up', async () => {
    const { tm, clock, broker } = await workerBench((memory) => {
      memory.results.store = () => new Promise(() => undefined);
      return memory;
    });
    const task = tm.task({ name: 'kept', result: '1h' }, async () => 'value');
    await task.sendMany(Array.from({ length: 20 }, () => []));
    await tm.createWorker({ concurrency: 2 }).start();
    await clock.advance(60_000);
    expect(await broker.inspector.counts('default')).toMatchObject({ acknowledged: 20 });
    await tm.close();
  });

  it('that fails costs the result alone', async () => {
    const { tm, clock, broker } = await workerBench((memory) => {
      memory.results.store = () => Promise.reject(new Error('the store is full'));
      return memory;
    });
    const task = tm.task({ name: 'kept', result: '1h' }, async () => 'value');
    await task.send();
    await tm.createWorker().start();
    await aSecondOfWork(clock);
    expect(await broker.inspector.counts('default')).toMatchObject({ acknowledged: 1 });
    await tm.close();
  });
});
