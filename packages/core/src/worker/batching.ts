import type { Logger } from 'pino';
import { BatchCall } from '../batches/batch-call.ts';
import type { Delivery } from '../broker/delivery.ts';
import { isSuspect } from '../broker/suspect.ts';
import type { Clock } from '../clock/clock.ts';
import { needsAdmission } from '../collapse/join-record.ts';
import { ConfigError } from '../errors/errors.ts';
import { shown } from '../errors/kind-of.ts';
import type { Message } from '../message/message.ts';
import type { BatchSettings } from '../task/batch-settings.ts';
import { upcast } from '../versions/payload-versions.ts';
import { Deadlines } from './deadlines.ts';
import { FetchRoom } from './fetch-room.ts';
import { GatheredDelivery, Gathering } from './gathering.ts';
import type { ServedQueue } from './served-queue.ts';
import type { RunnableTask } from './runnable-task.ts';
import type { Runner } from './runner.ts';

/** Longest key that `by` may return. */
const LONGEST_KEY = 256;

export interface BatchingOptions {
  readonly runner: Runner;
  readonly concurrency: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether a batch may start now, if it has a slot. */
  readonly mayStart: () => boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Whether a message still holds its permits. */
  readonly hasPermits: (delivery: Delivery) => boolean;
  /** Settles a message that gathered and does not start. */
  readonly onLeft: (held: GatheredDelivery, kind: 'expire' | 'release') => void;
  /** Is called when a slot may be free. */
  readonly onChange: () => void;
}

/**
 * Gathers the messages of batch tasks, and starts their calls. All messages that gather use one slot of the worker; a
 * batch that is full or due waits for a slot of its own.
 */
export class Batching {
  readonly #options: BatchingOptions;
  readonly room = new FetchRoom();
  /** Those that wait for more messages. */
  readonly #gathering: Gathering[] = [];
  /** Those that are full or due, and wait for a slot. */
  readonly #ready: Gathering[] = [];
  readonly #deadlines: Deadlines<Gathering>;
  #waiting = 0;
  #calls = 0;
  #members = 0;
  #places = 0;
  #largest = 1;

  constructor(options: BatchingOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock, this.#gathering, (due) => this.#complete(due));
  }

  /** Number of messages that gather. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Slots in use: those of the runs that are no batches, and one for each call. */
  get running(): number {
    return this.#options.runner.size - this.#members + this.#calls;
  }

  /** Slots that are free for messages of other tasks. */
  get freeSlots(): number {
    if (this.#ready.length > 0) return 0;
    return Math.max(0, this.#options.concurrency - this.running - (this.#gathering.length > 0 ? 1 : 0));
  }

  /** Size of the largest batch so far. */
  get largest(): number {
    return this.#largest;
  }

  /** How many messages of a queue may be fetched beyond the free slots, because they will gather. */
  roomOf(served: ServedQueue): number {
    if (this.#ready.length > 0 || this.running >= this.#options.concurrency) return 0;
    let room = 0;
    for (const gathering of this.#gathering) if (gathering.servedQueue === served) room += gathering.room;
    return this.room.of(served, room, this.freeSlots);
  }

  /**
   * Gathers a message, or starts it alone if it may not share a crash or a time limit with others.
   * @param startBy time on the monotonic clock; if it has passed, nothing starts
   * @returns false if there is no slot for it
   */
  accept(served: ServedQueue, delivery: Delivery, given: Message, task: RunnableTask, startBy: number): boolean {
    const settings = task.definition.batch as BatchSettings;
    let message = given;
    let key: unknown;
    try {
      // `by` and the handler take the arguments of the current version.
      if (task.definition.versions !== undefined) message = upcast(given, task.definition.versions);
      key = keyOf(message, settings);
    } catch (error) {
      return this.#startAlone(served, delivery, given, failing(task, error), startBy);
    }
    if (runsAlone(delivery, message, task)) return this.#startAlone(served, delivery, message, task, startBy);
    this.#largest = Math.max(this.#largest, settings.size);
    if (!this.#makeRoom() || this.#options.clock.monotonic() > startBy) return false;
    this.room.gathered(served, settings.size);
    this.#gather(new GatheredDelivery(served, delivery, message, task, this.#places++), key, settings);
    return true;
  }

  /**
   * If as many messages gather as fit, starts the fullest batch early. With many keys few batches become full: the worker
   * would only wait for their timeouts, although slots are free.
   * @returns whether one more message may gather
   */
  #makeRoom(): boolean {
    const { concurrency } = this.#options;
    const most = concurrency * this.#largest;
    if (this.#waiting < most) return true;
    if (this.#ready.length > 0 || this.running >= concurrency) return false;
    this.#complete(this.#gathering.reduce((fullest, each) => (each.room < fullest.room ? each : fullest)));
    return this.#waiting < most;
  }

  #gather(held: GatheredDelivery, key: unknown, { size, timeoutMs }: BatchSettings): void {
    const { servedQueue: served, task } = held;
    let gathering = this.#gathering.find(
      (each) => each.servedQueue === served && each.task === task && each.key === key,
    );
    if (gathering === undefined) {
      gathering = new Gathering(served, task, key, size);
      this.#gathering.push(gathering);
      if (size > 1) this.#deadlines.set(gathering, this.#options.clock.monotonic() + timeoutMs);
    }
    served.leases.hold(held);
    this.#waiting++;
    gathering.members.push(held);
    if (gathering.room === 0) this.#complete(gathering);
  }

  /** Starts all batches as they are, as soon as they have slots. */
  completeAll(): void {
    for (const gathering of [...this.#gathering]) this.#complete(gathering);
  }

  /** Starts the batches that wait for a slot, as far as there are slots. */
  startReady(): void {
    const { concurrency, mayStart } = this.#options;
    while (this.#ready.length > 0 && this.running < concurrency && mayStart())
      this.#start(this.#ready.shift() as Gathering);
  }

  #complete(gathering: Gathering): void {
    this.#gathering.splice(this.#gathering.indexOf(gathering), 1);
    this.#ready.push(gathering);
    this.startReady();
    this.#options.onChange();
  }

  #start({ servedQueue: served, members, task }: Gathering): void {
    const { now, hasPermits, onLeft } = this.#options;
    this.#waiting -= members.length;
    const started: GatheredDelivery[] = [];
    const lapsed: GatheredDelivery[] = [];
    for (const held of members) {
      const { expiresAt } = held.message;
      if (expiresAt !== undefined && expiresAt <= now()) onLeft(held, 'expire');
      else if (hasPermits(held.delivery)) started.push(held);
      else lapsed.push(held);
    }
    // The last one first: a release goes to the head of the queue.
    for (const held of lapsed.toReversed()) onLeft(held, 'release');
    if (started.length === 0) return;
    const call = this.#newCall(task, started.length);
    for (const held of started) {
      served.leases.drop(held);
      this.#members++;
      this.#options.runner.start(served, held.delivery, held.message, task, Number.POSITIVE_INFINITY, call);
    }
  }

  #startAlone(served: ServedQueue, delivery: Delivery, message: Message, task: RunnableTask, startBy: number): boolean {
    const { runner, concurrency, clock } = this.#options;
    if (this.running >= concurrency || clock.monotonic() > startBy) return false;
    const call = this.#newCall(task, 1);
    this.#members++;
    runner.start(served, delivery, message, task, Number.POSITIVE_INFINITY, call);
    return true;
  }

  #newCall({ definition }: RunnableTask, size: number): BatchCall {
    this.#calls++;
    return new BatchCall(definition.handler, size, this.#options.logger, (isLast) => {
      this.#members--;
      if (isLast) this.#calls--;
    });
  }

  /**
   * Takes a message out of its batch.
   * @param isIt returns whether it is the one
   */
  remove(isIt: (held: GatheredDelivery) => boolean): GatheredDelivery | undefined {
    for (const list of [this.#gathering, this.#ready]) {
      for (const gathering of list) {
        const at = gathering.members.findIndex(isIt);
        if (at === -1) continue;
        const [held] = gathering.members.splice(at, 1);
        this.#waiting--;
        if (gathering.members.length === 0) list.splice(list.indexOf(gathering), 1);
        return held;
      }
    }
    return undefined;
  }

  /** Takes all messages of a queue out of their batches, in the order in which they came. @default of all queues */
  removeAll(served?: ServedQueue): readonly GatheredDelivery[] {
    const removed: GatheredDelivery[] = [];
    for (const list of [this.#gathering, this.#ready]) {
      const kept = list.filter((each) => served !== undefined && each.servedQueue !== served);
      for (const gathering of list) if (!kept.includes(gathering)) removed.push(...gathering.members);
      list.splice(0, list.length, ...kept);
    }
    this.#waiting -= removed.length;
    return removed.sort((one, other) => one.place - other.place);
  }

  close(): void {
    this.#deadlines.close();
  }
}

/**
 * Whether a message must not share a call: it may have crashed workers, it has a time limit of its own, or it has failed
 * and this is its last attempt. So no message dies for the failure of another one.
 */
function runsAlone(delivery: Delivery, { timeoutMs, attempt, maxRetries }: Message, task: RunnableTask): boolean {
  // A message that waits for a store must not delay the others.
  if (needsAdmission(delivery.envelope)) return true;
  return timeoutMs !== undefined || (attempt > 1 && attempt > (maxRetries ?? task.maxRetries)) || isSuspect(delivery);
}

/** @throws whatever `by` throws, and ConfigError (`BATCH_KEY_INVALID`) if it returns no key */
function keyOf({ args, task }: Message, { by }: BatchSettings): unknown {
  if (by === undefined) return undefined;
  const key = by(args[0]);
  if (typeof key === 'string' && key.length <= LONGEST_KEY) return key;
  if (typeof key === 'number' && !Number.isNaN(key)) return key;
  const got = typeof key === 'string' ? `${key.length} characters` : shown(key);
  throw new ConfigError(
    `task ${task}: batch.by must return a number, or a string of at most ${LONGEST_KEY} characters; got ${got}`,
    { code: 'BATCH_KEY_INVALID' },
  );
}

/** The task with a handler that fails: its message is retried, or becomes a dead letter, as after any failure. */
function failing(task: RunnableTask, error: unknown): RunnableTask {
  return {
    ...task,
    joinsDirectly: false,
    invoke: () => {
      throw error;
    },
  };
}
