import { randomUUID } from 'node:crypto';
import { MemoryBroker } from '@brokkr/broker-memory';
import { readDeadLetter, TaskManager } from '@brokkr/core';
import { firstMessages } from '@brokkr/core/adapter';
import { ManualClock } from '@brokkr/core/testing';
import pino from 'pino';
import { expect, it } from 'vitest';
import { parseMetrics } from '../../support/parse-metrics.ts';
import { aSecondOfWork, crash, LEASE_MS } from './worker-bench.ts';

interface Line {
  readonly msg: string;
  readonly crashes?: number;
  readonly forMs?: number;
  readonly task?: { readonly id: string; readonly name: string };
}

/** A manager whose warnings are kept, with a task of two queues that takes a given time. */
async function suspectBench() {
  const clock = new ManualClock();
  const broker = new MemoryBroker({ clock });
  const lines: Line[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line) as Line) });
  const tm = TaskManager.getInstance(`suspects-${randomUUID()}`);
  await tm.initialize({ broker, clock, logger, lease: `${LEASE_MS}ms` });
  const wait = tm.task({ name: 'wait' }, (ms: number) => new Promise<void>((ended) => clock.setTimeout(ended, ms)));
  const about = (id: string) =>
    lines.flatMap(({ msg, task, crashes, forMs }) =>
      task?.id === id ? [{ msg, name: task.name, crashes, forMs }] : [],
    );
  const start = async (...queues: string[]) => {
    const worker = tm.createWorker({ queues, concurrency: 4, workerId: 'w' });
    await worker.start();
    const seen = async () => {
      await aSecondOfWork(clock);
      const [report] = await tm.workers();
      return {
        gauge: parseMetrics(worker.metrics()).value('brokkr_worker_suspect_running'),
        suspect: report?.suspect,
        running: report?.runningCount,
      };
    };
    return seen;
  };
  return { clock, broker, tm, wait, about, start };
}

it('a dead letter of a message that crashed its workers says how often, until it is redriven', async () => {
  const { clock, broker, tm, wait, start } = await suspectBench();
  const { id } = await wait.send(1);
  await crash(broker, clock, 3);
  const seen = await start('default');
  await seen();
  const [letter] = await firstMessages(broker.inspector, 'default', 'dead', 1);
  expect(letter && readDeadLetter(letter)).toMatchObject({ id, crashes: 3, attempts: [] });
  await tm.queue('default').pause();
  await seen();
  await broker.inspector.redrive('default', [id]);
  const [redriven] = await firstMessages(broker.inspector, 'default', 'ready', 1);
  expect(redriven && readDeadLetter(redriven)).not.toHaveProperty('crashes');
  await tm.close();
});

it('a suspect that runs alone is logged when it begins and ends, counted, and named by the report', async () => {
  const { clock, broker, tm, wait, about, start } = await suspectBench();
  const { id } = await wait.send(10_000);
  await crash(broker, clock, 2);
  const seen = await start('default');
  const since = clock.now();
  await wait.send(1);
  expect(await seen()).toEqual({
    gauge: 1,
    suspect: { id, task: 'wait', queue: 'default', crashes: 2, runs: true, since },
    running: 1,
  });
  await clock.advance(10_000);
  expect(await seen()).toEqual({ gauge: 0, suspect: undefined, running: 0 });
  expect(about(id)).toEqual([
    { msg: 'a suspect runs alone: other messages of this worker wait until it has ended', name: 'wait', crashes: 2 },
    { msg: 'the worker takes other messages again', name: 'wait', forMs: 10_000 },
  ]);
  expect(await broker.inspector.counts('default')).toMatchObject({ acknowledged: 2 });
  await tm.close();
});

/** A suspect, in a queue of a worker that runs another task for 20 s. */
async function suspectOfBusyWorker() {
  const { clock, broker, tm, wait, about, start } = await suspectBench();
  const { id } = await wait.send(1);
  await crash(broker, clock, 2);
  await tm.queue('default').pause();
  await wait.with({ queueName: 'busy' }).send(20_000);
  const seen = await start('default', 'busy');
  await aSecondOfWork(clock);
  await tm.queue('default').resume();
  return { clock, tm, about, id, seen };
}

it('a suspect for which a busy worker finishes its tasks is shown from then on, since other messages wait', async () => {
  const { clock, tm, about, id, seen } = await suspectOfBusyWorker();
  expect(await seen()).toMatchObject({ gauge: 1, suspect: { id, runs: false }, running: 1 });
  await clock.advance(25_000);
  expect(await seen()).toEqual({ gauge: 0, suspect: undefined, running: 0 });
  expect(about(id).map(({ msg }) => msg)).toEqual([
    'the worker finishes its running tasks, then suspects run alone: other messages wait',
    'a suspect runs alone: other messages of this worker wait until it has ended',
    'the worker takes other messages again',
  ]);
  await tm.close();
});

it('a suspect that another worker takes is not shown any more once the busy worker has finished its tasks', async () => {
  const { clock, tm, seen } = await suspectOfBusyWorker();
  expect(await seen()).toMatchObject({ gauge: 1 });
  await tm.createWorker({ queues: ['default'], workerId: 'x' }).start();
  await clock.advance(25_000);
  expect(await seen()).toEqual({ gauge: 0, suspect: undefined, running: 0 });
  await tm.close();
});
