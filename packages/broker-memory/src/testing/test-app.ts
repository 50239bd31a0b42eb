import {
  type Broker,
  ConfigError,
  type DeadLetterRecord,
  type Duration,
  type ManagerOptions,
  readDeadLetter,
  TaskManager,
  type Worker,
} from '@brokkr/core';
import { firstMessages, PauseFlags, readLane, type TaskRef, toMs } from '@brokkr/core/adapter';
import { gatheringIn, ManualClock } from '@brokkr/core/testing';
import { GatedBroker } from './gated-broker.ts';
import { eventLoopTurn, millisecond, realNow } from './real-time.ts';
import { readTestAppOptions, type TestAppOptions } from './test-app-options.ts';

/** A dead letter, with the arguments of its message. */
export interface DeadLetter extends DeadLetterRecord {
  readonly args: readonly unknown[];
}

/**
 * An application on a memory broker, in virtual time. Its workers run only during `drain` and `advance`.
 *
 * @example
 * const app = testApp({ tasks: [charge] });
 * await charge.send('c-1');
 * await app.drain();
 */
export interface TestApp {
  /**
   * Returns the arguments of each message of `task` that was sent so far, in order, as the broker stores them.
   * @throws ConfigError (`NO_TASK`) if `task` is not a task
   */
  sent<A extends readonly unknown[]>(task: TaskRef<A, unknown>): readonly A[];
  /** Returns the dead letters of a queue, oldest first. */
  dead(queue: string): readonly DeadLetter[];
  /**
   * Runs everything, and moves time to each instant at which a message is due, until no message is ready, running or
   * delayed. Messages of paused queues do not run.
   * @throws ConfigError (`DRAIN_STUCK`) if messages are left after ten virtual years, or no timer is; (`TEST_APP_CLOSED`)
   * if the app is closed
   */
  drain(): Promise<void>;
  /**
   * Moves time on by `span`, and runs every message that becomes due on the way.
   * @throws ConfigError (`TEST_APP_CLOSED`) if the app is closed
   */
  advance(span: Duration): Promise<void>;
  /** Returns the virtual time. */
  now(): Date;
  /** The clock of the app. */
  readonly clock: ManualClock;
  /** The memory broker of the app. */
  readonly broker: Broker;
  /** Gives the task managers back to the application. `sent` and `dead` can still be called afterwards. */
  close(): Promise<void>;
}

const LONGEST_DRAIN_MS = 10 * 365 * 86_400_000;

/**
 * Creates a test app: it runs tasks in virtual time, on its own memory broker.
 * @throws ConfigError for an invalid option
 * @throws ConfigError (`NO_TASK`) if an element of `tasks` is not a task
 * @throws ConfigError (`MANAGER_OVERRIDDEN`) if another test has not closed its app
 * @example
 * const app = testApp({ tasks: [charge] });
 * await charge.send('c-1');
 * await app.drain();
 */
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
  /** Counts of messages at the last look, as text: a change means progress. */
  #progress = '';
  /** How long to wait for a handler without progress before time goes on. Each wait in vain halves it. */
  #waitMs: number;
  /** Number of sent messages whose queues have a worker. */
  #sentSeen = 0;
  #dead: ReadonlyMap<string, readonly DeadLetter[]> = new Map();
  #isClosed = false;

  constructor(options: TestAppOptions) {
    const { tasks, concurrency, settleWithinMs, startAt, logLevel } = readTestAppOptions(options);
    this.clock = new ManualClock(startAt);
    this.#broker = new GatedBroker({ clock: this.clock });
    this.#concurrency = concurrency;
    this.#settleWithinMs = settleWithinMs;
    this.#waitMs = settleWithinMs;
    this.#managers = [...new Set(tasks.map((task) => TaskManager.of(task)))];
    this.#hold({ broker: this.#broker, clock: this.clock, runMode: 'worker', logLevel });
  }

  /** Takes over all managers, or none: if it fails, there is no app to close. */
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

  /**
   * Stops a worker. If a handler does not end, the stop waits for the virtual clock, so time moves on during the wait.
   */
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

  /** After `close`, the managers belong to the application again: a new worker would run real messages. */
  #checkOpen(): void {
    if (!this.#isClosed) return;
    throw new ConfigError('this testApp is closed; await drain() and advance() before close()', {
      code: 'TEST_APP_CLOSED',
    });
  }

  /** Starts a worker for each queue that a task names, or that a message was sent to. */
  async #serveAll(): Promise<void> {
    for (const manager of this.#managers) {
      this.#checkOpen();
      const named = manager.tasks().map((task) => task.queueName ?? manager.config.queueName);
      const sentTo = this.#broker.sent.slice(this.#sentSeen).map(({ queue }) => readLane(queue).queue);
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
   * Waits until no message is ready or running, or until `settleWithin` passes without progress. Each wait without
   * progress halves the next one: a handler that never ends would otherwise cost a second at each move of time. Messages
   * that gather for a batch wait for virtual time only.
   */
  async #quiet(): Promise<{ ready: number; running: number; delayed: number }> {
    let waitedSince = realNow();
    for (let turns = 0; ; turns++) {
      this.#checkOpen();
      if (this.#broker.sent.length > this.#sentSeen) await this.#serveAll();
      await (turns < 20 ? eventLoopTurn() : millisecond());
      const totals = await this.#totals();
      const progress = JSON.stringify(totals);
      if (progress !== this.#progress) {
        this.#progress = progress;
        this.#waitMs = this.#settleWithinMs;
        waitedSince = realNow();
        turns = 0;
        continue;
      }
      const gathering = this.#workers.reduce((sum, worker) => sum + gatheringIn(worker), 0);
      // If all messages that are held gather, the ready ones wait for room. To be taken they need a few turns.
      const isWaiting = gathering > 0 && totals.running <= gathering && (totals.ready === 0 || turns >= 20);
      const busy = !isWaiting && totals.ready + totals.running > 0;
      if (turns < 2 || (busy && realNow() - waitedSince < this.#waitMs)) continue;
      if (busy) this.#waitMs /= 2;
      return totals;
    }
  }

  async #totals(): Promise<{ ready: number; running: number; delayed: number; settled: number }> {
    const totals = { ready: 0, running: 0, delayed: 0, settled: 0 };
    const flags = new PauseFlags(this.#broker.states);
    for (const queue of await this.#broker.inspector.queues()) {
      const counts = await this.#broker.inspector.counts(queue);
      totals.running += counts.running ?? 0;
      if ((await flags.pausedSince(readLane(queue).queue)) === undefined) {
        totals.ready += counts.ready ?? 0;
        totals.delayed += counts.delayed ?? 0;
      }
      totals.settled += (counts.acknowledged ?? 0) + (counts.dead ?? 0) + (counts.published ?? 0);
    }
    return totals;
  }

  async #readDead(): Promise<void> {
    const dead = new Map<string, readonly DeadLetter[]>();
    for (const queue of await this.#broker.inspector.queues()) {
      const letters = await firstMessages(this.#broker.inspector, queue, 'dead', Number.MAX_SAFE_INTEGER);
      const shown = letters.map((letter) => ({ ...readDeadLetter(letter), args: argsOf(letter.body) }));
      const { queue: name } = readLane(queue);
      dead.set(name, [...(dead.get(name) ?? []), ...shown]);
    }
    this.#dead = dead;
  }

  #stuck(open: number, delayed: number): ConfigError {
    return new ConfigError(
      `drain: ${open} messages are ready or running and ${delayed} are delayed, and none of them ends; check that no handler waits forever, for example on a faked timer`,
      { code: 'DRAIN_STUCK' },
    );
  }
}

/** The arguments of a message; none if its body cannot be decoded, as in some dead letters. */
function argsOf(body: Uint8Array): readonly unknown[] {
  try {
    const args: unknown = JSON.parse(Buffer.from(body).toString());
    return Array.isArray(args) ? args : [];
  } catch {
    return [];
  }
}
