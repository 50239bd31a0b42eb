import { MemoryBroker } from '@brokkr/broker-memory';
import { type Broker, currentTask, TaskManager } from '@brokkr/core';
import { ManualClock } from '@brokkr/core/testing';
import pino from 'pino';
import { seededRandom } from '../support/seeded-random.ts';
import { SimProcess } from './sim-process.ts';

const QUEUE = 'limited';
const LEASE_MS = 2_000;
const STEP_MS = 100;
const WORKERS = 3;
const CONCURRENCY = 10;
/** A message gets nowhere if all of its deliveries are killed: more crashes than kills are allowed. */
const MAX_CRASHES = 1_000;

export interface LimitKillsOptions {
  readonly seed: number;
  readonly limit: { readonly concurrency: number } | { readonly rate: number; readonly burst: number };
  readonly keys: number;
  readonly messages: number;
  readonly kills: number;
}

export interface LimitKillsReport {
  readonly kills: number;
  readonly ended: number;
  readonly starts: number;
  /** Most runs of a key at the same time, in processes that live. */
  readonly mostOfKey: number;
  /** When each message started, by the clock of the server, milliseconds. */
  readonly startedAt: readonly number[];
  readonly permitsLeft: number;
  readonly waitersLeft: number;
  readonly parksPerMessage: number;
  /** Virtual. */
  readonly seconds: number;
}

interface Run {
  readonly process: SimProcess;
  readonly key: string;
}

let instances = 0;

/**
 * Runs limited messages in workers that share a memory broker, in virtual time. A worker that is killed stops in the
 * middle of whatever it does; another one takes its place at once.
 */
export async function limitKills(options: LimitKillsOptions): Promise<LimitKillsReport> {
  const world = new LimitWorld(options);
  try {
    return await world.run();
  } finally {
    await world.close();
  }
}

class LimitWorld {
  readonly #options: LimitKillsOptions;
  readonly #time = new ManualClock();
  readonly #server = new MemoryBroker({ clock: this.#time });
  readonly #random: () => number;
  readonly #processes = new Set<SimProcess>();
  readonly #running = new Set<Run>();
  readonly #ended = new Set<number>();
  readonly #startedAt: number[] = [];
  readonly #managers: TaskManager[] = [];
  #deliveries = 0;
  #mostOfKey = 0;

  constructor(options: LimitKillsOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
  }

  async run(): Promise<LimitKillsReport> {
    const { messages, keys, kills } = this.#options;
    const began = this.#time.monotonic();
    const producer = this.#open(new SimProcess('producer', this.#time));
    await this.#await(
      producer.task.sendMany(Array.from({ length: messages }, (_, n) => [`key-${n % keys}`, n] as [string, number])),
    );
    for (let count = 0; count < WORKERS; count++) this.#startWorker();
    let killed = 0;
    const boundMs = began + 3_600_000;
    while (this.#ended.size < messages && this.#time.monotonic() < boundMs) {
      await this.#time.advance(STEP_MS);
      // By the share of the messages, so that the last kill comes before the last message.
      if (killed < kills && this.#ended.size >= ((killed + this.#random()) * messages) / (kills + 1)) {
        this.#kill();
        killed++;
      }
    }
    const endedAt = this.#time.monotonic();
    await this.#time.advance(LEASE_MS + 1_000);
    const usage = await this.#server.limits.usage();
    return {
      kills: killed,
      ended: this.#ended.size,
      starts: this.#startedAt.length,
      mostOfKey: this.#mostOfKey,
      startedAt: this.#startedAt,
      permitsLeft: usage.reduce((sum, { held }) => sum + held, 0),
      waitersLeft: usage.reduce((sum, { waiting }) => sum + waiting, 0),
      parksPerMessage: (this.#deliveries - this.#startedAt.length) / messages,
      seconds: (endedAt - began) / 1_000,
    };
  }

  async close(): Promise<void> {
    for (const process of this.#processes) process.kill();
    await this.#server.close();
  }

  async #await<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const watched = work.finally(() => {
      isDone = true;
    });
    while (!isDone) await this.#time.advance(STEP_MS);
    return watched;
  }

  #open(process: SimProcess) {
    const manager = TaskManager.getInstance(`limit-kills-${++instances}`).configure({
      broker: this.#remote(process, this.#server),
      clock: process.clock,
      logger: pino({ level: 'silent' }),
      lease: `${LEASE_MS}ms`,
      maxCrashes: MAX_CRASHES,
    });
    this.#managers.push(manager);
    const limit = manager.limit({ name: 'limit', ...this.#options.limit });
    const task = manager.task(
      { name: 'limited', queueName: QUEUE, limits: (key) => [limit.for(key)] },
      (key: string, n: number) => this.#handle(process, key, n),
    );
    return { manager, task };
  }

  #startWorker(): void {
    const process = new SimProcess(`worker-${instances}`, this.#time);
    this.#processes.add(process);
    void this.#open(process)
      .manager.createWorker({ queues: [QUEUE], concurrency: CONCURRENCY })
      .start();
  }

  #kill(): void {
    const all = [...this.#processes];
    const victim = all[Math.floor(this.#random() * all.length)] as SimProcess;
    victim.kill();
    this.#processes.delete(victim);
    this.#startWorker();
  }

  async #handle(process: SimProcess, key: string, n: number): Promise<void> {
    this.#startedAt.push(this.#time.monotonic());
    const run = { process, key };
    this.#running.add(run);
    const ofKey = [...this.#running].filter((each) => each.key === key && !each.process.isDead);
    this.#mostOfKey = Math.max(this.#mostOfKey, ofKey.length);
    const { signal } = currentTask();
    await process.sleep(15 + Math.floor(this.#random() * 30));
    this.#running.delete(run);
    if (!signal.aborted) this.#ended.add(n);
  }

  /** The server as a process sees it: answers take a while, and a process that was killed gets none. */
  #remote<T extends object>(process: SimProcess, at: T): T {
    return new Proxy(at, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value === 'object' && value !== null && PARTS.has(name)) return this.#remote(process, value);
        if (typeof value !== 'function' || name === 'listen') return value;
        return (...given: unknown[]) => this.#call(process, () => value.apply(target, given) as unknown, name);
      },
    });
  }

  #call(process: SimProcess, execute: () => unknown, name: string | symbol): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#time.setTimeout(async () => {
        try {
          const answer = await execute();
          // A connection that breaks returns what it was about to deliver.
          if (name === 'receive' && Array.isArray(answer)) this.#deliveries += answer.length;
          const seen = name === 'subscribe' ? this.#remote(process, answer as object) : answer;
          this.#time.setTimeout(() => process.gate(() => resolve(seen)), this.#latency());
        } catch (error) {
          process.gate(() => reject(error));
        }
      }, this.#latency());
    });
  }

  #latency(): number {
    return this.#random() < 0.9 ? 0 : Math.floor(this.#random() * 5);
  }
}

const PARTS: ReadonlySet<string | symbol> = new Set<keyof Broker>([
  'limits',
  'messages',
  'states',
  'signals',
  'workers',
]);
