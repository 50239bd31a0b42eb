import { TaskManager } from '@brokkr/core';
import fastq from 'fastq';
import PQueue from 'p-queue';
import pino from 'pino';

/** At info, as by default; written to nowhere, to leave the figures alone on the screen. */
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

/** Sent in slices, as an application would that does not want all of them in memory at once. */
const SLICE = 1_000;

/**
 * Brokkr's `send` resolves once a message is stored, where a task added to the others resolves once it has run: so
 * that all have a slice at most under way, Brokkr waits for the slice too. With `backlog` it does not: all tasks stand
 * in the queue before most of them run.
 */
const brokkr = (backlog) => async (count, concurrency) => {
  const tm = TaskManager.getInstance(`bench-${Math.random()}`);
  await tm.initialize({ brokerUrl: 'memory:', logger: quiet });
  const noop = tm.task({ name: 'noop' }, async (_payload) => {});
  const worker = tm.createWorker({ concurrency });
  await worker.start();
  const broker = await tm.broker();
  const settled = async (wanted) => {
    while ((await broker.counts('default')).acknowledged < wanted) await new Promise(setImmediate);
  };
  for (let sent = 0; sent < count; sent += SLICE) {
    await Promise.all(Array.from({ length: Math.min(SLICE, count - sent) }, () => noop.send(payload)));
    if (!backlog) await settled(Math.min(sent + SLICE, count));
  }
  await settled(count);
  await tm.close();
};

/** Each runs `count` no-op tasks to their end at `concurrency`, and resolves when the last has been settled. */
export const contenders = {
  brokkr: brokkr(false),
  backlog: brokkr(true),
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
