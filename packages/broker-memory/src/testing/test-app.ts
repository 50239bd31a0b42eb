import {
  type Broker,
  ConfigError,
  type DeadLetterRecord,
  type Duration,
  type ManagerOptions,
  readDeadLetter,
  TaskManager,
  type TaskRef,
  toMs,
  type Worker,
} from '@brokkr/core';
import { checkConcurrency, checkOptions, ManualClock, type OptionNames } from '@brokkr/core/testing';
import { GatedBroker } from './gated-broker.ts';

/** What `testApp` takes. Middleware and hooks of the managers are in force; what `initialize` was given is not. */
export interface TestAppOptions {
  /** The tasks under test; their managers are held until `close`. */
  readonly tasks: readonly object[];
  /** Tasks at once. @default 4 */
  readonly concurrency?: number | undefined;
  /** How long, in real time, a handler may wait for real I/O before time moves on without it. @default 1 s */
  readonly settleWithin?: Duration | undefined;
  /** Where virtual time begins. @default 2030-01-01T00:00:00Z */
  readonly startAt?: Date | undefined;
  /** @default `silent` */
  readonly logLevel?: string | undefined;
}

const TEST_APP_OPTIONS: OptionNames<TestAppOptions> = {
  tasks: true,
  concurrency: true,
  settleWithin: true,
  startAt: true,
  logLevel: true,
};

/** A message that ended among the dead letters. */
export interface DeadLetter extends DeadLetterRecord {
  readonly args: readonly unknown[];
}

/** An application on a memory broker and a virtual clock. Workers work in `drain` and `advance` only. */
export interface TestApp {
  /** The arguments of each message sent so far by `task`, in order, as they travel. @throws ConfigError where it is none */
  sent<A extends readonly unknown[]>(task: TaskRef<A, unknown>): readonly A[];
  /** The dead letters of a queue, oldest first. */
  dead(queue: string): readonly DeadLetter[];
  /**
   * Works until nothing is ready, running or delayed, moving time to each due moment.
   * @throws ConfigError where a message comes back for longer than ten virtual years, and once it is closed
   */
  drain(): Promise<void>;
  /** Moves time on by `span`, running what falls due on the way. @throws ConfigError once it is closed */
  advance(span: Duration): Promise<void>;
  /** Virtual now. */
  now(): Date;
  readonly clock: ManualClock;
  readonly broker: Broker;
  /** Gives the managers back; what was sent and what is dead can still be asked for. */
  close(): Promise<void>;
}

const LONGEST_DRAIN_MS = 10 * 365 * 86_400_000;

/** @throws ConfigError where an option is wrong, a task is none, or its manager is held by another test */
export function testApp(options: TestAppOptions): TestApp {
  return new HeldApp(options);
}

class HeldApp implements TestApp {
  readonly clock: ManualClock;
  readonly #broker: GatedBroker;
  readonly #managers: readonly TaskManager[];
  readonly #restore: (() => Promise<void>)[] = [];
  readonly #workers: Worker[] = [];
  readonly #served = new Set<string>();
  readonly #concurrency: number;
  readonly #settleWithinMs: number;
  /** How far the messages had come when time moved on without a handler, and how long such a one is waited for next. */
  #progress = '';
  #patienceMs: number;
  /** Messages whose queues have been looked at. */
  #sentSeen = 0;
  #dead: ReadonlyMap<string, readonly DeadLetter[]> = new Map();
  #isClosed = false;

  constructor(options: TestAppOptions) {
    checkOptions(options, TEST_APP_OPTIONS, 'testApp');
    const { tasks, concurrency, settleWithin, startAt, logLevel } = options;
    this.clock = new ManualClock(startAt === undefined ? undefined : instant(startAt));
    this.#broker = new GatedBroker({ clock: this.clock });
    this.#concurrency = checkConcurrency(concurrency ?? 4);
    this.#settleWithinMs = toMs(settleWithin ?? '1s', 'settleWithin');
    this.#patienceMs = this.#settleWithinMs;
    if (!Array.isArray(tasks))
      throw new ConfigError('testApp: `tasks` is the list of tasks to test', { code: 'NO_TASK' });
    this.#managers = [...new Set(tasks.map((task) => TaskManager.of(task)))];
    this.#hold({ broker: this.#broker, clock: this.clock, runMode: 'worker', logLevel: logLevel ?? 'silent' });
  }

  /** All of the managers, or none: those of a test that failed to begin would be held for ever. */
  #hold(settings: ManagerOptions): void {
    try {
      for (const manager of this.#managers) this.#restore.push(manager.override(settings));
    } catch (error) {
      for (const restore of this.#restore.splice(0)) void restore();
      throw error;
    }
  }

  get broker(): Broker {
    return this.#broker;
  }

  now(): Date {
    return new Date(this.clock.now());
  }

  sent<A extends readonly unknown[]>(task: TaskRef<A, unknown>): readonly A[] {
    TaskManager.of(task);
    return this.#broker.sent
      .filter(({ headers }) => headers['brokkr-task'] === task.taskName)
      .map(({ body }) => JSON.parse(Buffer.from(body).toString()) as A);
  }

  dead(queue: string): readonly DeadLetter[] {
    return this.#dead.get(queue) ?? [];
  }

  async drain(): Promise<void> {
    const giveUpAt = this.clock.now() + LONGEST_DRAIN_MS;
    await this.#work(async () => {
      for (;;) {
        const { ready, running, delayed } = await this.#quiet();
        if (ready + running + delayed === 0) return;
        const dueAt = this.clock.nextDueAt();
        if (dueAt === undefined || dueAt > giveUpAt) throw this.#stuck(ready + running, delayed);
        await this.clock.advanceTo(dueAt);
      }
    });
  }

  async advance(span: Duration): Promise<void> {
    const until = this.clock.now() + toMs(span, 'advance');
    await this.#work(async () => {
      for (;;) {
        await this.#quiet();
        const dueAt = this.clock.nextDueAt();
        await this.clock.advanceTo(Math.min(dueAt ?? until, until));
        if (dueAt === undefined || dueAt > until) break;
      }
      await this.#quiet();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#workers.splice(0).map((worker) => this.#stop(worker)));
    for (const restore of this.#restore.splice(0)) await restore();
    await this.#broker.close();
  }

  /** A worker's own stop waits on the virtual clock where a handler does not end, so time is moved for it. */
  async #stop(worker: Worker): Promise<void> {
    let stopped = false;
    const stopping = worker.stop({ timeout: 0 }).finally(() => {
      stopped = true;
    });
    for (let dueAt = this.clock.nextDueAt(); !stopped && dueAt !== undefined; dueAt = this.clock.nextDueAt()) {
      await this.clock.advanceTo(dueAt);
    }
    await stopping;
  }

  async #work(body: () => Promise<void>): Promise<void> {
    await this.#serveAll();
    this.#broker.open();
    try {
      await body();
    } finally {
      this.#broker.shut();
      if (!this.#isClosed) await this.#readDead();
    }
  }

  /** Its managers are the application's again, and what they would run now is real. */
  #checkOpen(): void {
    if (!this.#isClosed) return;
    throw new ConfigError('this testApp is closed; await `drain` and `advance` before `close`', {
      code: 'TEST_APP_CLOSED',
    });
  }

  /** Every queue that a task names or a message was sent to. */
  async #serveAll(): Promise<void> {
    for (const manager of this.#managers) {
      this.#checkOpen();
      const named = manager.tasks().map((task) => task.queueName ?? manager.config.queueName);
      const sentTo = this.#broker.sent.slice(this.#sentSeen).map(({ queue }) => queue);
      const queues = [...new Set([...named, ...sentTo])].filter(
        (queue) => !this.#served.has(`${manager.name}/${queue}`),
      );
      if (queues.length === 0) continue;
      for (const queue of queues) this.#served.add(`${manager.name}/${queue}`);
      const worker = manager.createWorker({ queues, concurrency: this.#concurrency });
      this.#workers.push(worker);
      await worker.start();
    }
    this.#sentSeen = this.#broker.sent.length;
  }

  /**
   * Waits until no message is ready or running, or handlers have waited for real I/O long enough: each time that brings
   * nothing the next wait is half as long, so that one that never ends costs no second at each move of time.
   */
  async #quiet(): Promise<{ ready: number; running: number; delayed: number }> {
    let waitedSince = performance.now();
    for (let turns = 0; ; turns++) {
      this.#checkOpen();
      if (this.#broker.sent.length > this.#sentSeen) await this.#serveAll();
      await (turns < 20 ? turn() : millisecond());
      const totals = await this.#totals();
      const progress = JSON.stringify(totals);
      if (progress !== this.#progress) {
        this.#progress = progress;
        this.#patienceMs = this.#settleWithinMs;
        waitedSince = performance.now();
        turns = 0;
        continue;
      }
      const busy = totals.ready + totals.running > 0;
      if (turns < 2 || (busy && performance.now() - waitedSince < this.#patienceMs)) continue;
      if (busy) this.#patienceMs /= 2;
      return totals;
    }
  }

  async #totals(): Promise<{ ready: number; running: number; delayed: number; settled: number }> {
    const totals = { ready: 0, running: 0, delayed: 0, settled: 0 };
    for (const queue of await this.#broker.inspector.queues()) {
      const counts = await this.#broker.inspector.counts(queue);
      totals.ready += counts.ready ?? 0;
      totals.running += counts.running ?? 0;
      totals.delayed += counts.delayed ?? 0;
      totals.settled += (counts.acknowledged ?? 0) + (counts.dead ?? 0) + (counts.published ?? 0);
    }
    return totals;
  }

  async #readDead(): Promise<void> {
    const dead = new Map<string, readonly DeadLetter[]>();
    for (const queue of await this.#broker.inspector.queues()) {
      const letters = await this.#broker.inspector.peek(queue, 'dead', Number.MAX_SAFE_INTEGER);
      dead.set(
        queue,
        letters.map((letter) => ({ ...readDeadLetter(letter), args: argsOf(letter.body) })),
      );
    }
    this.#dead = dead;
  }

  #stuck(open: number, delayed: number): ConfigError {
    return new ConfigError(
      `drain: ${open} messages ready or running and ${delayed} delayed do not come to an end; does a handler wait for something that never comes?`,
      { code: 'DRAIN_STUCK' },
    );
  }
}

function instant(startAt: unknown): number {
  const at = startAt instanceof Date ? startAt.getTime() : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new ConfigError('testApp: `startAt` is a valid Date');
}

/** What cannot be decoded stands among the dead letters too. */
function argsOf(body: Uint8Array): readonly unknown[] {
  try {
    const args: unknown = JSON.parse(Buffer.from(body).toString());
    return Array.isArray(args) ? args : [];
  } catch {
    return [];
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function millisecond(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
