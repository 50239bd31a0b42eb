import { MemoryBroker } from '@brokkr/broker-memory';
import {
  BrokerUnavailableError,
  currentTask,
  PermanentError,
  RetryLater,
  type TaskHandle,
  TaskManager,
  type Worker,
} from '@brokkr/core';
import type { Delivery } from '@brokkr/core/adapter';
import { ManualClock } from '@brokkr/core/testing';
import pino from 'pino';
import { parseMetrics } from '../support/parse-metrics.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { PATIENCE_MS, SimNetwork } from './sim-network.ts';
import { SimOracle } from './sim-oracle.ts';
import {
  attemptOf,
  LEASE_MS,
  MAX_CRASHES,
  MAX_RETRIES,
  planOf,
  RETRY_DELAY_MS,
  type SimPlan,
  TIMEOUT_MS,
} from './sim-plan.ts';
import { SimProcess } from './sim-process.ts';

/** Length of the first phase, with faults, in virtual time. */
const FAULTS_MS = 40_000;
const STEP_MS = 1_000;
/** A worker repeats a settlement for a lease, and its last call ends when the client's patience does. */
const LAST_ANSWERS_MS = LEASE_MS + PATIENCE_MS + STEP_MS;
const QUEUE = 'jobs';
const TASK = {
  name: 'job',
  maxRetries: MAX_RETRIES,
  retryDelay: RETRY_DELAY_MS / 1_000,
  timeout: TIMEOUT_MS / 1_000,
  result: '1d',
};
const logger = pino({ level: 'silent' });
let instances = 0;

interface SimWorker {
  readonly process: SimProcess;
  readonly worker: Worker;
}

export interface SimReport {
  /** Hash of all events: two runs of a seed have the same. */
  readonly hash: number;
  readonly events: number;
  readonly trace: readonly string[];
}

/**
 * Simulates one world: real workers and producers of the core, a memory broker as the state machine of the server, and
 * between them a network, processes and handlers that fail as the seed decides. It checks safety during the faults.
 * Then everything heals, and all messages must end.
 * @throws Error with the invariant that was violated, the seed, and the last events
 */
export async function simulate(seed: number): Promise<SimReport> {
  const world = new SimWorld(planOf(seed));
  try {
    await world.run();
    const { hash, trace } = world.oracle;
    return { hash, events: trace.length, trace };
  } finally {
    await world.close();
  }
}

class SimWorld {
  readonly oracle: SimOracle;
  readonly #plan: SimPlan;
  readonly #time = new ManualClock();
  readonly #random: () => number;
  readonly #server: MemoryBroker;
  readonly #network: SimNetwork;
  readonly #workers = new Set<SimWorker>();
  /** Deliveries by id and fence: a handler cannot see its own. */
  readonly #handedOver = new Map<string, Delivery>();
  /** Ids of the messages that were delivered. */
  readonly #claimed = new Set<string>();
  readonly #snoozed = new Set<string>();
  /** Handles of the jobs whose sending was confirmed. */
  readonly #sent: { readonly n: number; readonly handle: TaskHandle }[] = [];
  #started = 0;
  #sending = 0;
  #failure: unknown;
  #isHealed = false;

  constructor(plan: SimPlan) {
    this.#plan = plan;
    this.#random = seededRandom(plan.seed ^ 0x5eed);
    this.oracle = this.#watched(new SimOracle(plan, () => this.#time.monotonic()));
    this.#server = new MemoryBroker({ clock: this.#time });
    this.#network = new SimNetwork({
      plan,
      server: this.#server,
      oracle: this.oracle,
      random: this.#random,
      after: (ms, run) => void this.#time.setTimeout(run, ms),
    });
  }

  async run(): Promise<void> {
    for (let count = 0; count < this.#plan.workers; count++) this.#startWorker();
    this.#produce();
    for (let elapsed = 0; elapsed < FAULTS_MS; elapsed += STEP_MS) {
      for (const worker of [...this.#workers]) this.#meddle(worker);
      if (this.#plan.cancels && this.#random() < 0.3) void this.#cancelOne();
      await this.#pass();
    }
    this.#network.heal();
    this.#isHealed = true;
    for (const { process } of this.#workers) process.resume();
    if (this.#workers.size === 0) this.#startWorker();
    await this.#drain();
    this.oracle.finish(await this.#server.inspector.counts(QUEUE));
    await this.#awaitAnswers();
    await this.#checkResults();
    this.#checkMetrics();
  }

  /** Waits until no worker can still wait for the answer to a settlement: a worker counts an outcome by that answer. */
  async #awaitAnswers(): Promise<void> {
    for (let elapsed = 0; elapsed < LAST_ANSWERS_MS; elapsed += STEP_MS) await this.#pass();
  }

  #checkMetrics(): void {
    for (const { process, worker } of this.#workers) {
      const metrics = parseMetrics(worker.metrics());
      const outcome = (name: string) => metrics.value('brokkr_tasks_total', { outcome: name }) ?? 0;
      this.oracle.counted(process.name, outcome, metrics.value('brokkr_task_run_seconds_count') ?? 0);
    }
  }

  async #checkResults(): Promise<void> {
    for (const id of this.#claimed)
      this.oracle.lastResult(id, await this.#server.results.load(id, AbortSignal.abort()));
  }

  async close(): Promise<void> {
    for (const { process } of this.#workers) process.kill();
    await this.#server.close();
  }

  async #pass(): Promise<void> {
    await this.#time.advance(STEP_MS);
    if (this.#failure !== undefined) throw this.#failure;
    this.oracle.balanced(await this.#server.inspector.counts(QUEUE));
  }

  /** Everything that was sent must end within the time of the remaining work, done by one worker. */
  async #drain(): Promise<void> {
    const boundMs = this.#plan.jobs * 4 * (TIMEOUT_MS + 15_000) + 60_000;
    for (let elapsed = 0; elapsed < boundMs; elapsed += STEP_MS) {
      const { ready = 0, delayed = 0, running = 0 } = await this.#server.inspector.counts(QUEUE);
      if (this.#sending === 0 && ready + delayed + running === 0) return;
      await this.#pass();
    }
    this.oracle.fail(`I15: not drained ${boundMs} ms after everything was healed`);
  }

  #startWorker(): void {
    const { concurrency } = this.#plan;
    const process = new SimProcess(`w${++this.#started}`, this.#time);
    const manager = this.#manager(process);
    manager.task(TASK, (n: number) => this.#handle(n, process));
    const worker = manager.createWorker({ queues: [QUEUE], concurrency, workerId: process.name });
    worker.on('leaseLost', ({ id }) => this.oracle.toldLost(id, process.name));
    this.#workers.add({ process, worker });
    void worker.start();
  }

  #manager(process: SimProcess): TaskManager {
    return TaskManager.getInstance(`simulation-${++instances}`).configure({
      broker: this.#network.brokerFor(process),
      clock: process.clock,
      logger,
      queueName: QUEUE,
      lease: `${LEASE_MS}ms`,
      maxCrashes: MAX_CRASHES,
      shutdownTimeout: '8s',
    });
  }

  /** @returns the fence, so that the oracle knows whose result is stored */
  async #handle(n: number, process: SimProcess): Promise<number> {
    const { id, attempt, fence, signal } = currentTask();
    const { ms, thrown, ...planned } = attemptOf(this.#plan, n, attempt);
    const snoozed = planned.outcome === 'later' && this.#snoozed.has(`${n} ${attempt}`);
    const outcome = snoozed ? 'succeed' : planned.outcome;
    const delivery = this.#handedOver.get(`${id} ${fence}`);
    const run = { id, fence, crashes: delivery?.crashes ?? 0, expiresAt: delivery?.envelope.expiresAt, outcome };
    this.oracle.started(run, process.name, this.#plan.concurrency);
    signal.addEventListener('abort', () => this.oracle.left(id, fence, process.name), { once: true });
    await process.sleep(ms);
    if (outcome === 'hang') await new Promise(() => undefined);
    this.oracle.ended(id, fence, process.name);
    if (outcome === 'permanent') throw new PermanentError('permanent');
    if (outcome === 'throw') throw thrown;
    if (outcome !== 'later') return fence;
    this.#snoozed.add(`${n} ${attempt}`);
    throw new RetryLater(RETRY_DELAY_MS / 1_000);
  }

  /**
   * Starts a process that sends the jobs, one after the other; one in three with a key, repeated until it is confirmed.
   */
  #produce(): void {
    const process = new SimProcess('producer', this.#time);
    const task = this.#manager(process).task(TASK, (n: number) => n);
    const { jobs, delays, expiries } = this.#plan;
    for (let n = 0; n < jobs; n++) {
      const atMs = Math.floor(this.#random() * FAULTS_MS * 0.8);
      const sender = task.with({
        ...(delays && this.#random() < 0.5 && { delay: `${Math.floor(this.#random() * 15_000)}ms` }),
        ...(expiries && this.#random() < 0.5 && { expiresIn: `${1_000 + Math.floor(this.#random() * 20_000)}ms` }),
        ...(n % 3 === 0 && { idempotencyKey: `job-${n}` }),
      });
      this.#sending++;
      process.clock.setTimeout(() => void this.#send(n, () => sender.send(n), n % 3 === 0, process), atMs);
    }
  }

  async #send(n: number, send: () => Promise<TaskHandle>, again: boolean, process: SimProcess): Promise<void> {
    for (;;) {
      const stored = await send().then(
        (handle) => {
          this.#sent.push({ n, handle });
          this.oracle.confirmed(handle.id);
          return true;
        },
        (error: unknown) => {
          if (!(error instanceof BrokerUnavailableError)) this.#failure ??= error;
          return false;
        },
      );
      if (stored || !again) break;
      await process.sleep(500);
    }
    this.#sending--;
  }

  /** Another process cancels a job in any state. */
  async #cancelOne(): Promise<void> {
    const chosen = this.#sent[Math.floor(this.#random() * this.#sent.length)];
    if (chosen === undefined) return;
    const { n, handle } = chosen;
    try {
      this.oracle.note(`cancel ${n}: ${await handle.cancel({ running: true })}`);
    } catch (error) {
      if (!(error instanceof BrokerUnavailableError)) this.#failure ??= error;
    }
  }

  #meddle(worker: SimWorker): void {
    const { pauses, kills, stops } = this.#plan;
    const { process } = worker;
    if (!process.isRunning) return;
    const drawn = this.#random();
    if (kills && drawn < 0.04) this.#kill(worker);
    else if (pauses && drawn >= 0.04 && drawn < 0.1) this.#pause(process);
    else if (stops && drawn >= 0.1 && drawn < 0.13) void this.#stop(worker);
  }

  #kill(worker: SimWorker): void {
    const { process } = worker;
    this.oracle.note(`kill ${process.name}`);
    process.kill();
    this.#workers.delete(worker);
    // A supervisor may hand back at once what it held.
    if (this.#random() < 0.3) void this.#server.workers.release?.(process.name);
    this.#replaceSoon();
  }

  #pause(process: SimProcess): void {
    this.oracle.note(`pause ${process.name}`);
    process.pause();
    this.#time.setTimeout(() => process.resume(), 200 + Math.floor(this.#random() * 12_000));
  }

  async #stop(worker: SimWorker): Promise<void> {
    const { process } = worker;
    this.oracle.note(`stop ${process.name}`);
    await worker.worker.stop();
    this.oracle.note(`stopped ${process.name}`);
    process.kill();
    this.#workers.delete(worker);
    this.#replaceSoon();
  }

  #replaceSoon(): void {
    const ms = Math.floor(this.#random() * 3_000);
    if (this.#isHealed) this.#startWorker();
    else this.#time.setTimeout(() => this.#startWorker(), ms);
  }

  /** Ends the run at any violation that the oracle finds: the code that calls the oracle may catch errors. */
  #watched(oracle: SimOracle): SimOracle {
    return new Proxy(oracle, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...given: unknown[]) => {
          if (name === 'claimed') this.#remember(given[0] as Delivery);
          try {
            return value.apply(target, given);
          } catch (error) {
            this.#failure ??= error;
            throw error;
          }
        };
      },
    });
  }

  #remember(delivery: Delivery): void {
    this.#handedOver.set(`${delivery.envelope.id} ${delivery.fence}`, delivery);
    this.#claimed.add(delivery.envelope.id);
  }
}
