import { randomUUID } from 'node:crypto';
import pino from 'pino';
import type { Delivery } from '../../broker/delivery.ts';
import { TaskManager } from '../../manager/task-manager.ts';
import type { ManagerOptions } from '../../manager/manager-options.ts';
import type { Task, TaskOptions } from '../../task/task.ts';
import type { Worker, WorkerEvents, WorkerOptions } from '../../worker/worker.ts';
import type { TestBench } from './bench.ts';

const EVENTS = ['succeeded', 'retrying', 'dead', 'expired', 'cancelled', 'leaseLost'] as const;

/** A task on the broker under test, and a worker that runs it. */
export interface WorkerBench {
  readonly manager: TaskManager;
  readonly task: Task<readonly unknown[], unknown>;
  readonly worker: Worker;
  /** Names of the events so far, in order. */
  readonly events: readonly string[];
  /** Starts the worker, and waits until each of these events has come so often. */
  until(counts: Partial<Record<(typeof EVENTS)[number], number>>, boundMs?: number): Promise<void>;
}

export interface WorkerBenchOptions {
  readonly task?: TaskOptions;
  readonly worker?: WorkerOptions;
  readonly manager?: ManagerOptions;
}

/** A manager of the broker under test. */
export function suiteManager(bench: TestBench, options: ManagerOptions = {}): TaskManager {
  return TaskManager.getInstance(`suite-${randomUUID()}`).configure({
    broker: borrowed(bench),
    clock: bench.clock,
    queueName: bench.queue,
    lease: `${bench.workerLeaseMs}ms`,
    logger: pino({ level: 'silent' }),
    runMode: 'worker',
    ...options,
  });
}

/** Retries with waits that are short enough for real time; none if the broker cannot delay messages. */
export function quickRetries(bench: TestBench, maxRetries: number): Pick<TaskOptions, 'maxRetries' | 'retryDelay'> {
  return bench.broker.capabilities.maxDelayMs === 0 ? { maxRetries: 0 } : { maxRetries, retryDelay: '20ms' };
}

/** Stops the worker and closes its manager after the case. */
export function stopAtTearDown(bench: TestBench, manager: TaskManager, subject: Worker): void {
  bench.onTearDown(async () => {
    const stopping = subject.stop({ timeout: 0 });
    // In virtual time no other code moves the clock while the worker waits.
    if (bench.isVirtual) await bench.pass(10_000);
    await stopping;
    await manager.close();
  });
}

export async function worker(
  bench: TestBench,
  handler: (...args: never[]) => unknown,
  options: WorkerBenchOptions = {},
): Promise<WorkerBench> {
  const manager = suiteManager(bench, options.manager);
  const task = manager.task(
    { name: 'subject', ...quickRetries(bench, 2), ...options.task, schema: undefined },
    handler,
  ) as unknown as Task<readonly unknown[], unknown>;
  const subject = manager.createWorker({ queues: [bench.queue], concurrency: 5, ...options.worker });
  const events: string[] = [];
  for (const event of EVENTS) subject.on(event as keyof WorkerEvents, () => events.push(event));
  let started = false;
  stopAtTearDown(bench, manager, subject);
  return {
    manager,
    task,
    worker: subject,
    events,
    async until(counts, boundMs = 3_000) {
      if (!started) {
        started = true;
        await subject.start();
      }
      const reached = () =>
        Object.entries(counts).every(([event, count]) => events.filter((told) => told === event).length >= count);
      await bench.until(
        reached,
        boundMs,
        () => `events: ${events.join(', ') || 'none'}; expected ${JSON.stringify(counts)}`,
      );
    },
  };
}

/** The bench's broker, which only the bench closes. */
export function borrowed(bench: TestBench): TestBench['broker'] {
  const { broker } = bench;
  return new Proxy(broker, {
    get(target, property) {
      if (property === 'close') return async () => undefined;
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Makes the broker count a crash of all ready messages: a consumer receives them and never settles. */
export async function crash(bench: TestBench, count: number): Promise<Delivery[]> {
  const victim = await bench.broker.subscribe(bench.queue, { leaseMs: bench.leaseMs, prefetch: count });
  const held = await bench.take(victim, count, bench.recoveryMs);
  await victim.close();
  return held;
}
