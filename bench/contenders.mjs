import { AsyncLocalStorage } from 'node:async_hooks';
import { TaskManager } from '@brokkr/core';
import fastq from 'fastq';
import PQueue from 'p-queue';
import pino from 'pino';

/** At level info, as by default, and written to nowhere, so that the screen shows only the figures. */
const quiet = pino({ level: 'info' }, { write: () => undefined });

/** An object of 107 bytes of JSON. */
export const payload = {
  userId: 'u-4711',
  kind: 'welcome',
  sentAt: 1795469590000,
  retry: false,
  tags: ['a', 'b', 'c'],
  name: 'Ada Lovelace',
};

/** Jobs are sent in slices, as by an application that does not keep all of them in memory. */
const SLICE = 1_000;

/**
 * Brokkr's `send` resolves once a message is stored. A task added to one of the others resolves once it has run. So
 * that all have at most a slice in flight, Brokkr waits for the slice, too. With `backlog` it does not: all tasks are
 * queued before most of them run.
 */
const brokkr = (backlog) => async (count, concurrency) => {
  const tm = TaskManager.getInstance(`bench-${Math.random()}`);
  await tm.initialize({ brokerUrl: 'memory:', logger: quiet });
  const noop = tm.task({ name: 'noop' }, async (_payload) => {});
  const worker = tm.createWorker({ concurrency });
  await worker.start();
  const broker = await tm.broker();
  const settled = async (wanted) => {
    while ((await broker.inspector.counts('default')).acknowledged < wanted) await new Promise(setImmediate);
  };
  for (let sent = 0; sent < count; sent += SLICE) {
    await Promise.all(Array.from({ length: Math.min(SLICE, count - sent) }, () => noop.send(payload)));
    if (!backlog) await settled(Math.min(sent + SLICE, count));
  }
  await settled(count);
  await tm.close();
};

/**
 * The minimum of work behind Brokkr's defaults: JSON and bytes both ways, an index by id, a promise for each send, a
 * context for each run. No queue, lease, limit, retry or count: the rate that Brokkr would have without any cost of its
 * own.
 */
async function floor(count, concurrency) {
  const context = new AsyncLocalStorage();
  const noop = async () => {};
  const kept = new Map();
  for (let sent = 0; sent < count; sent += SLICE) {
    let store;
    const stored = new Promise((resolve) => {
      store = resolve;
    });
    const sends = Array.from({ length: Math.min(SLICE, count - sent) }, (_, index) => {
      const id = `message-${sent + index}`;
      kept.set(id, { id, text: Buffer.from(JSON.stringify([payload])).toString('latin1') });
      return stored.then(() => ({ id }));
    });
    store();
    await Promise.all(sends);
    for (const slice = [...kept.values()]; slice.length > 0; ) {
      for (const { id, text } of slice.splice(0, concurrency)) {
        const args = JSON.parse(Buffer.from(text, 'latin1').toString());
        context.run({ id }, noop, args).then(() => kept.delete(id));
      }
      await new Promise(setImmediate);
    }
  }
  // While it is in use, every promise of the process is more expensive.
  context.disable();
}

/** Each runs `count` no-op tasks at `concurrency`, and resolves when the last one is settled. */
export const contenders = {
  brokkr: brokkr(false),
  backlog: brokkr(true),
  floor,
  async 'p-queue'(count, concurrency) {
    const queue = new PQueue({ concurrency });
    const noop = async () => {};
    for (let sent = 0; sent < count; sent += SLICE) {
      await Promise.all(Array.from({ length: Math.min(SLICE, count - sent) }, () => queue.add(noop)));
    }
    await queue.onIdle();
  },
  async fastq(count, concurrency) {
    const queue = fastq.promise(async () => {}, concurrency);
    for (let sent = 0; sent < count; sent += SLICE) {
      await Promise.all(Array.from({ length: Math.min(SLICE, count - sent) }, () => queue.push(payload)));
    }
    await queue.drained();
  },
};
