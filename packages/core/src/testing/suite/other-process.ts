import { randomUUID } from 'node:crypto';
import pino from 'pino';
import type { Broker } from '../../broker/broker.ts';
import { TaskManager } from '../../manager/task-manager.ts';
import type { Task } from '../../task/task.ts';
import type { TestBench } from './bench.ts';

/** Another process on the same server: a broker and a manager of its own, which knows the same task. */
export async function otherProcess(bench: TestBench): Promise<{ tm: TaskManager; task: Task; broker: Broker }> {
  // A broker that lives in one process has no other process.
  const broker = bench.isShared ? await bench.openAnother() : bench.broker;
  const tm = TaskManager.getInstance(`suite-${randomUUID()}`).configure({
    broker: { ...broker, publish: broker.publish.bind(broker), subscribe: never, close: async () => undefined },
    clock: bench.clock,
    queueName: bench.queue,
    runMode: 'producer',
    logger: pino({ level: 'silent' }),
  });
  const retries = broker.capabilities.maxDelayMs > 0 ? {} : { maxRetries: 0 };
  const task = tm.task({ name: 'subject', ...retries }, async () => undefined) as unknown as Task;
  bench.onTearDown(() => tm.close());
  return { tm, task, broker };
}

function never(): Promise<never> {
  return Promise.reject(new Error('this process only sends'));
}

/** The answer of a call that waits for another process, while time passes. */
export async function answerOf<T>(bench: TestBench, call: Promise<T>, boundMs: number, what: string): Promise<T> {
  let answer: { readonly value: T } | undefined;
  let failure: { readonly error: unknown } | undefined;
  call.then(
    (value) => (answer = { value }),
    (error: unknown) => (failure = { error }),
  );
  await bench.until(
    () => answer !== undefined || failure !== undefined,
    boundMs,
    () => `${what}: no answer`,
  );
  if (failure !== undefined) throw failure.error;
  return (answer as unknown as { readonly value: T }).value;
}
